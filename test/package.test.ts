import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { linkPackages } from './support/linked-packages.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const run = promisify(execFile);

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

const manifest = async (folder: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;

/** Makes `dist`. What takes too long is ended with all that it has begun, which would write into that of a second try. */
async function build(signal: AbortSignal): Promise<void> {
  const child = spawn('npm', ['run', 'build'], { detached: true, stdio: ['ignore', 'ignore', 2] });
  const late = AbortSignal.any([signal, AbortSignal.timeout(240_000)]);
  try {
    const [code] = await once(child, 'exit', { signal: late });
    expect(code).toBe(0);
  } catch (error) {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    throw error;
  }
}

test('the package, installed in an empty folder, checks and runs a production', async ({
  signal,
}) => {
  await using temporary = await temporaryFolder('package');
  // npm unpacks the package three times, twice into its cache
  await using cache = await temporaryFolder('npm-cache');
  const folder = temporary.path;
  const install = (...words: string[]) =>
    run('npm', ['install', '--no-audit', '--no-fund', '--cache', cache.path, ...words], {
      cwd: folder,
      timeout: 180_000,
    });
  await build(signal);
  const { stdout: packed } = await run('npm', ['pack', '--silent', '--pack-destination', folder]);
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  // unpacking two hundred packages would be half of the test; what the package does not name is removed by npm
  const { version, dependencies } = await manifest('.');
  await linkPackages(folder, [...Object.keys(dependencies), 'uplot']);
  await install(join(folder, packed.trim().split('\n').at(-1) ?? ''));
  expect(await manifest(folder)).toHaveProperty('dependencies.waybill');
  await expect(manifest(join(folder, 'node_modules/uplot'))).rejects.toThrow('ENOENT');

  await cp('productions/adt-hub', join(folder, 'hub'), { recursive: true });
  const where = { cwd: folder, timeout: 120_000 };
  expect((await run('npx', ['waybill', '--version'], where)).stdout.trim()).toBe(version);
  // what npx finds; each of its own starts costs as much as a command
  const waybill = (...words: string[]) =>
    run(join(folder, 'node_modules/.bin/waybill'), words, where);
  expect((await waybill('check', 'node_modules/waybill/productions/passthrough')).stdout).toContain(
    'no problems',
  );
  expect((await waybill('test', 'hub')).stdout).toMatch(/passed/);
  // what only the sandbox needs does not come with the engine
  const refused = await waybill('demo', '--once').catch((error: { stderr: string }) => error);
  const [, packages = ''] = /npm install --no-save (.+)/.exec(refused.stderr) ?? [];
  expect(packages).toMatch(/^oidc-provider@\S+ smtp-server@\S+$/);
  await linkPackages(
    folder,
    packages.split(' ').map((one) => one.replace(/@[^@]*$/, '')),
  );
  await install('--no-save', ...packages.split(' '));
  const { stdout } = await waybill('demo', '--once', '--json');
  expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ ok: true });
}, 400_000);
