import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { userCommand } from '../../src/cli/command/user.ts';
import { masterKey } from '../../src/credential/secret/master-key.ts';
import { secretStore } from '../../src/credential/secret/secret-store.ts';
import { ran as ranHere } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const KEY = 'q6b1hU4m2v0fJm0X1yq7c5pWn8sT3eLrG9dKzVxYaBc=';
const NEXT = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';
const source = (file: string): string =>
  fileURLToPath(new URL(`../../src/cli/${file}`, import.meta.url));

/** The command alone, as the program runs it. */
const SCRIPT = `
  const { secretCommand } = await import(${JSON.stringify(source('command/secret.ts'))});
  const { explainError } = await import(${JSON.stringify(source('output.ts'))});
  await secretCommand().parseAsync(process.argv.slice(1), { from: 'user' })
    .catch((error) => { process.exitCode = explainError(error); });
`;

/** Of our environment only what any process needs, and where compiled code is kept. */
const { PATH, NODE_COMPILE_CACHE } = process.env;
const BARE = { PATH, NODE_COMPILE_CACHE };

interface Ran {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

const nodeArguments = (args: readonly string[]): string[] => [
  '--conditions=waybill-source',
  '--input-type=module',
  '-e',
  SCRIPT,
  '--',
  ...args,
];

async function waybillSecret(
  folder: string,
  args: readonly string[],
  input = '',
  environment: Readonly<Record<string, string>> = { WAYBILL_MASTER_KEY: KEY },
): Promise<Ran> {
  const child = spawn(process.execPath, nodeArguments([...args, '--data', folder]), {
    env: { ...BARE, ...environment },
  });
  child.stdin.end(input);
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ]);
  return { code, output, errors };
}

const storeOf = (folder: string, key = KEY): ReturnType<typeof secretStore> =>
  secretStore(join(folder, 'secrets.json'), masterKey(key));

test('a secret is set from standard input, listed by name and removed', async () => {
  await using folder = await temporaryFolder('cli');
  const set = await waybillSecret(folder.path, ['set', 'graph'], 'the value\n');
  expect(set).toMatchObject({ code: 0, output: '' });
  expect(set.errors).toContain('graph is set');
  expect(set.errors).not.toContain('the value');
  expect(await storeOf(folder.path).get('graph')).toBe('the value');

  const list = await waybillSecret(folder.path, ['list'], '', {});
  expect(list.output).toMatch(/^graph {2}\d{4}-\d\d-\d\dT/);
  const json = await waybillSecret(folder.path, ['list', '--json'], '', {});
  expect(JSON.parse(json.output)).toMatchObject([{ name: 'graph' }]);

  expect(await waybillSecret(folder.path, ['remove', 'grph'])).toMatchObject({
    code: 1,
    errors: 'CREDENTIAL_MISSING: There is no secret grph. Did you mean graph?\n',
  });
  expect(await waybillSecret(folder.path, ['remove', 'graph'])).toMatchObject({ code: 0 });
  expect(await storeOf(folder.path).get('graph')).toBeUndefined();
});

test('a value on the command line is refused and not repeated', async () => {
  await using folder = await temporaryFolder('cli');
  const ran = await waybillSecret(folder.path, ['set', 'graph', 'MARKER']);
  expect(ran.code).not.toBe(0);
  expect(ran.errors).not.toContain('MARKER');
  expect(await storeOf(folder.path).get('graph')).toBeUndefined();
});

test('the store is put under another master key', async () => {
  await using folder = await temporaryFolder('cli');
  await storeOf(folder.path).set('graph', 'the value');
  const ran = await waybillSecret(folder.path, ['rotate'], NEXT);
  expect(ran).toMatchObject({ code: 0 });
  expect(ran.errors).toContain(
    '1 secrets are now under the new master key. Set WAYBILL_MASTER_KEY to it, and WAYBILL_MASTER_KEY_BEFORE to the old one until everybody with an authenticator app has signed in.',
  );
  expect(await storeOf(folder.path, NEXT).get('graph')).toBe('the value');
});

test('without a master key the command says how to make one', async () => {
  await using folder = await temporaryFolder('cli');
  const ran = await waybillSecret(folder.path, ['set', 'graph'], 'x', {});
  expect(ran.code).toBe(1);
  expect(ran.errors).toContain('make one with: openssl rand -base64 32');
});

test('nothing given is not a secret', async () => {
  await using folder = await temporaryFolder('cli');
  expect(await waybillSecret(folder.path, ['set', 'graph'], '\n')).toMatchObject({ code: 1 });
});

/** Types into a real terminal, which `script` makes. */
async function typed(folder: string, keys: readonly string[]): Promise<Ran> {
  const quoted = [process.execPath, ...nodeArguments(['set', 'graph', '--data', folder])]
    .map((one) => `'${one.replaceAll("'", `'\\''`)}'`)
    .join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', quoted, '/dev/null'], {
    env: { ...BARE, WAYBILL_MASTER_KEY: KEY, SHELL: '/bin/sh' },
  });
  let screen = '';
  const prompts = [/value of graph: $/, /once more: $/];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    screen += chunk;
    if (prompts[0]?.test(screen) === true) {
      prompts.shift();
      child.stdin.write(keys[1 - prompts.length] ?? '');
    }
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, output: screen, errors: '' };
}

test('what is typed is not shown, may be corrected, and is asked for twice', async () => {
  await using folder = await temporaryFolder('cli');
  const ran = await typed(folder.path, ['passx\u007fword\r', 'password\r']);
  expect(ran.code).toBe(0);
  expect(ran.output).not.toMatch(/pass|word/);
  expect(await storeOf(folder.path).get('graph')).toBe('password');
});

test('both answers may come in one paste', async () => {
  await using folder = await temporaryFolder('cli');
  const ran = await typed(folder.path, ['password\rpassword\r']);
  expect(ran.code).toBe(0);
  expect(await storeOf(folder.path).get('graph')).toBe('password');
});

test('two that differ change nothing', async () => {
  await using folder = await temporaryFolder('cli');
  const ran = await typed(folder.path, ['password\r', 'passwort\r']);
  expect(ran.code).toBe(1);
  expect(ran.output).toContain('The two inputs differ');
  expect(await storeOf(folder.path).get('graph')).toBeUndefined();
});

async function hashOf(piped: string) {
  using stdin = vi.spyOn(process, 'stdin', 'get');
  stdin.mockReturnValue(Readable.from([piped]) as unknown as typeof process.stdin);
  return await ranHere(userCommand(), ['hash']);
}

test('a password is one line: the same twice is not another one', async () => {
  expect(await hashOf('pass\npass\n')).toMatchObject({
    code: 1,
    output: '',
    errors: expect.stringContaining('Several lines were given for the password') as string,
  });
  expect(await hashOf('a pass word\r\n')).toMatchObject({ code: 0 });
});

test('an interrupt changes nothing', async () => {
  await using folder = await temporaryFolder('cli');
  const ran = await typed(folder.path, ['pass\u0003']);
  expect(ran.code).toBe(1);
  expect(ran.output).toContain('Interrupted');
});
