# perl's own tests, a file at a time: how many were right and how many not, and how it ended.
cd "$W/perl/t" || exit
out=$(mktemp)
export PERL_CORE=1 PERL_SKIP_TTY_TEST=1
for file in $FILES; do
  timeout 600 perl -I../lib "$file" >"$out" 2>/dev/null </dev/null
  status=$?
  echo "perl $file: $(grep -c '^ok' "$out") ok, $(grep '^not ok' "$out" | grep -vc '# TO[D]O') not, status $status"
  grep '^not ok' "$out" | grep -v '# TO[D]O' | head -n 20
done
