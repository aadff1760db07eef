# zlib, as its own instructions say: configured, built by two compilers at a time, and tested.
cd "$W/zlib" || exit
{ CC=gcc CFLAGS=-O2 ./configure --static && make -j2 static all && make test; } >log 2>&1
echo "made status $?"
for file in *.o; do echo "made $(sha256sum <"$file") $file"; done
echo "made $(grep -c 'OK' log) tests right, $(grep -c 'FAILED' log) wrong"
