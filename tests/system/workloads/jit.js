// What keeps a JIT compiler busy: loops that get hot, shapes that change under compiled code, closures, typed arrays,
// strings, regular expressions, big integers, a generated function each turn. Prints digests of what was computed.
'use strict';

let state = 12345;
const random = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0);
const mix = (sum, value) => (Math.imul(sum ^ value, 16777619) >>> 0);

function matrices(size) {
  const a = new Float64Array(size * size).map(() => random() / 4294967296);
  const b = new Float64Array(size * size).map(() => random() / 4294967296);
  let sum = 0;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let product = 0;
      for (let k = 0; k < size; k++) product += a[i * size + k] * b[k * size + j];
      sum += product * ((i ^ j) & 7);
    }
  }
  return sum.toFixed(9);
}

function sieve(most) {
  const composite = new Uint8Array(most + 1);
  let primes = 0;
  for (let i = 2; i <= most; i++) {
    if (composite[i]) continue;
    primes++;
    for (let j = i * i; j <= most; j += i) composite[j] = 1;
  }
  return primes;
}

// Objects of one shape first, and of others once the code that adds them up is compiled.
function shapes(turns) {
  const make = [
    (v) => ({ v }), (v) => ({ x: 1, v }), (v) => ({ v, y: 'y' }), (v) => ({ z: null, w: v, get v() { return this.w; } }),
  ];
  const add = (total, object) => (total + object.v) % 1000003;
  let total = 0;
  for (let i = 0; i < turns; i++) total = add(total, make[i < turns / 2 ? 0 : i % 4](i));
  for (let i = 0; i < turns / 10; i++) total = add(total, { v: i + 0.5 });
  return total;
}

function generated(turns) {
  let sum = 7;
  for (let i = 0; i < turns; i++) {
    const f = new Function('x', `let s = x; for (let i = 0; i < ${50 + i % 50}; i++) s = (s * ${i + 3} + ${i}) % 65521; return s;`);
    for (let j = 0; j < 20; j++) sum = mix(sum, f(sum % 1000 + j));
  }
  return sum;
}

function texts(turns) {
  let text = '';
  for (let i = 0; i < turns; i++) text += String.fromCharCode(97 + random() % 26) + (random() % 100);
  const words = text.split(/[aeiou]+/).map((w) => w.replace(/(\d+)([a-z])/g, '$2$1')).sort();
  let sum = 0;
  for (const word of words) for (let i = 0; i < word.length; i++) sum = mix(sum, word.charCodeAt(i));
  return `${words.length} ${sum} ${JSON.stringify(JSON.parse(JSON.stringify(words))).length}`;
}

function big(digits) {
  let [a, b] = [0n, 1n];
  for (let i = 0; i < digits; i++) [a, b] = [b, a + b];
  return `${a % 1000000007n} ${(a ** 3n) % 998244353n} ${a.toString().length}`;
}

function* walk(tree) {
  if (tree === null) return;
  yield* walk(tree.left);
  yield tree.key;
  yield* walk(tree.right);
}

function trees(keys) {
  let root = null;
  const insert = (node, key) => {
    if (node === null) return { key, left: null, right: null };
    if (key < node.key) node.left = insert(node.left, key);
    else node.right = insert(node.right, key);
    return node;
  };
  for (let i = 0; i < keys; i++) root = insert(root, random() % 1000003);
  let sum = 0;
  let last = -1;
  for (const key of walk(root)) {
    if (key < last) return 'out of order';
    last = key;
    sum = mix(sum, key);
  }
  return sum;
}

function thrown(turns) {
  let caught = 0;
  const fall = (depth) => { if (depth === 0) throw new RangeError('bottom'); return 1 + fall(depth - 1); };
  for (let i = 0; i < turns; i++) {
    try { fall(i % 50); } catch (error) { caught += error.message.length; }
  }
  return caught;
}

const crypto = require('crypto');
const zlib = require('zlib');
const scale = Number(process.argv[2] || 1);
const show = (name, value) => console.log(`js ${name} ${value}`);

for (let turn = 0; turn < scale; turn++) {
  show('matrices', matrices(120));
  show('sieve', sieve(1000000));
  show('shapes', shapes(400000));
  show('generated', generated(200));
  show('texts', texts(20000));
  show('big', big(3000));
  show('trees', trees(20000));
  show('thrown', thrown(5000));
  const bytes = Buffer.alloc(1 << 20, 'bulkhead' + turn);
  show('hash', crypto.createHash('sha256').update(bytes).digest('hex'));
  show('zlib', zlib.inflateSync(zlib.deflateSync(bytes)).equals(bytes));
}
// WebAssembly: iterative factorial of an i64, as a compiler's other front end.
const wasm = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 126, 1, 126, 3, 2, 1, 0, 7, 7, 1, 3, 102, 97, 99,
  0, 0, 10, 34, 1, 32, 1, 1, 126, 66, 1, 33, 1, 3, 64, 32, 0, 32, 1, 126, 33, 1, 32, 0, 66, 1, 125, 34, 0, 66, 1, 85, 13, 0,
  11, 32, 1, 11]);
const factorial = new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports.fac;
let product = 0n;
for (let i = 0; i < 20000; i++) product ^= factorial(BigInt(2 + i % 19)) * BigInt(i);
show('wasm', product);
