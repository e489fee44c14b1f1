import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

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

/** What zeep got for a call. */
export interface Zeep {
  readonly answer?: string | null;
  readonly fault?: string;
  readonly subcodes?: readonly string[];
  readonly reason?: string;
  readonly detail?: string | null;
  readonly status?: number;
}

/** Calls a service by zeep, which reads its WSDL from the service itself. */
export async function calledByZeep(
  wsdl: string,
  told: Readonly<Record<string, unknown>>,
): Promise<readonly Zeep[]> {
  const script = join(import.meta.dirname, 'soap-caller.py');
  const child = spawn(PYTHON, [script, wsdl, JSON.stringify(told)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const output = await text(child.stdout);
  await closed;
  return JSON.parse(output) as readonly Zeep[];
}
