# CPython's own regression tests, a module at a time: how many ran, and how it ended.
export PYTHONPATH=$W/python PYTHONHASHSEED=0
cd "$(mktemp -d)" || exit
for module in $MODULES; do
  timeout 600 python3 -m unittest -q "test.$module" >out 2>&1 </dev/null
  status=$?
  echo "python $module: $(grep -E '^Ran ' out | sed 's/ in .*//'), $(tail -n 1 out), status $status"
  grep -E '^(FAIL|ERROR):' out
  if [[ -n ${DETAILS:-} && $status != 0 ]]; then head -c 6000 out; fi
done
