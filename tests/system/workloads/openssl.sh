# Digests and ciphers over the same bytes, there and back; then how fast it says it is, which nobody compares.
cd "$(mktemp -d)" || exit
seq 1 200000 >plain
for digest in md5 sha1 sha256 sha512 sha3-256 blake2b512 ripemd160 sm3; do
  echo "openssl $(openssl dgst "-$digest" plain 2>&1)"
done
for cipher in aes-128-cbc aes-256-ctr aes-128-ecb camellia-128-cbc chacha20 aria-256-cbc; do
  openssl enc "-$cipher" -K 000102030405060708090a0b0c0d0e0f -iv 0f0e0d0c0b0a09080706050403020100 -in plain -out secret 2>/dev/null
  openssl enc -d "-$cipher" -K 000102030405060708090a0b0c0d0e0f -iv 0f0e0d0c0b0a09080706050403020100 -in secret -out again 2>/dev/null
  echo "openssl $cipher $(sha256sum <secret) $(cmp plain again && echo same)"
done
openssl genrsa -out rsa.pem 2048 2>/dev/null && openssl pkeyutl -sign -inkey rsa.pem -rawin -in plain -digest sha256 -out signature 2>/dev/null
openssl rsa -in rsa.pem -pubout -out public.pem 2>/dev/null
echo "openssl rsa $(openssl dgst -sha256 -verify public.pem -signature signature plain)"
openssl ecparam -name prime256v1 -genkey -noout -out ec.pem && openssl dgst -sha256 -sign ec.pem -out signature plain
openssl ec -in ec.pem -pubout -out public.pem 2>/dev/null
echo "openssl ec $(openssl dgst -sha256 -verify public.pem -signature signature plain)"
for what in ${SPEEDS:-}; do
  openssl speed -seconds 1 -evp "$what" 2>/dev/null | tail -n 1
  echo "openssl speed $what status $?"
done
