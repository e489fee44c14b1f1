#!/usr/bin/env node
// Starts the command line on Node 24: the `node` package brings it where the system's own is older.
'use strict';
const { spawnSync, spawn } = require('node:child_process');
const { randomBytes } = require('node:crypto');
const { existsSync, rmSync } = require('node:fs');
const { constants, homedir, tmpdir } = require('node:os');
const path = require('node:path');

const root = path.join(__dirname, '..', '..');
const source = path.join(root, 'src', 'main.ts');
// Node strips types only outside node_modules; the package runs what the build made
const fromSource = existsSync(source) && !root.split(path.sep).includes('node_modules');
const main = fromSource ? source : path.join(root, 'dist', 'src', 'main.js');

function nodeBinary() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  try {
    const name = process.platform === 'win32' ? 'node.exe' : 'node';
    const found = path.join(
      path.dirname(require.resolve('node/package.json', { paths: [root] })),
      'bin',
      name,
    );
    if (existsSync(found) && spawnSync(found, ['--version']).status === 0) return found;
  } catch {
    // said below
  }
  process.stderr.write(
    'waybill needs Node.js 24 or newer; install it, or allow the install script of the npm package "node"\n',
  );
  return process.exit(1);
}

// V8 would let the young generation of each thread grow to 134 MB: measured, that saves no processor time; 12 instead of 24 cost 7 %. Nor does
// collecting it with several threads at once: under load the cores have work, and 5 to 10 % of it was this
const flags = ['--max-semi-space-size=8', '--no-parallel-scavenge'];

// glibc would give each of the threads memory of its own to allocate from. With MALLOC_TRIM_THRESHOLD_ each larger piece
// would be asked of the system: in a flood that cost a tenth to a third of the processor time
const allocation = { MALLOC_ARENA_MAX: '2' };

/** A file that an engine makes before it ends itself because its thread stood still; see src/cli/watchdog.ts. */
const again = path.join(tmpdir(), `waybill-${process.pid}-${randomBytes(12).toString('hex')}`);
/** When it was begun again: each time leaves one message out, so more often something else is wrong. */
const begun = [];
const [OFTEN, WITHIN] = [10, 600_000];

/** Compiled code is kept, which halves the time of a start; in a folder of one's own, since it is run. */
function compileCache() {
  const home = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
  return existsSync(home) ? { NODE_COMPILE_CACHE: path.join(home, 'waybill') } : {};
}

let child;
function start() {
  const flagged = [...flags, ...(fromSource ? ['--conditions=waybill-source'] : [])];
  child = spawn(nodeBinary(), [...flagged, main, ...process.argv.slice(2)], {
    // the fourth is ours alone: it breaks where this process is killed, and the engine then stops in order
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: {
      ...compileCache(),
      ...allocation,
      ...process.env,
      WAYBILL_AGAIN: again,
      WAYBILL_PARENT: '3',
    },
  });
  child.on('exit', ended);
}

function ended(code, signal) {
  if (existsSync(again)) {
    rmSync(again, { force: true });
    begun.push(Date.now());
    if (begun.filter((at) => at > Date.now() - WITHIN).length <= OFTEN) return start();
    process.stderr.write(
      `waybill stood still more than ${OFTEN} times in ten minutes and is not begun again\n`,
    );
  }
  return process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
}

// npm (npx, npm start) ends by SIGTERM without passing it on: what it started stops as if it had
if (process.env.npm_command !== undefined) {
  const parent = process.ppid;
  const look = () => {
    if (process.ppid === parent) setTimeout(look, 500);
    else child.kill('SIGTERM');
  };
  look();
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
start();
