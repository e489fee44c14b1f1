import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Debian's own Python, which has its packages; another may be first in the path. */
export const PYTHON = '/usr/bin/python3';

/** Whether Debian's Python has a module. */
export const hasModule = (name: string): boolean =>
  spawnSync(PYTHON, ['-c', `import ${name}`]).status === 0;

export interface SoapService extends AsyncDisposable {
  readonly url: string;
}

/** A service that spyne makes of a class: the far side of `soap-out` that shares no code with it. */
export async function soapService(version: '1.1' | '1.2'): Promise<SoapService> {
  const script = join(import.meta.dirname, 'soap-service.py');
  const child = spawn(PYTHON, [script, version], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { url: `http://127.0.0.1:${line}/`, [Symbol.asyncDispose]: () => ended(child) };
}

async function ended(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
