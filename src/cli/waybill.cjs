#!/usr/bin/env node
// Starts the command line on Node 24: the `node` package brings it where the system's own is older.
'use strict';
const { spawnSync, spawn } = require('node:child_process');
const { existsSync } = require('node:fs');
const { constants } = require('node:os');
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

// V8 would let the young generation of each thread grow to 134 MB: measured, that saves no processor time
const flags = ['--max-semi-space-size=8'];

const child = spawn(
  nodeBinary(),
  [
    ...flags,
    ...(fromSource ? ['--conditions=waybill-source'] : []),
    main,
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
