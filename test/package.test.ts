import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);

test('the package, installed in an empty folder, checks and runs a production', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-package-'));
  try {
    await run('npm', ['run', 'build'], { timeout: 120_000 });
    const { stdout: packed } = await run('npm', ['pack', '--silent', '--pack-destination', folder]);
    const archive = join(folder, packed.trim().split('\n').at(-1) ?? '');
    await run('npm', ['init', '-y'], { cwd: folder });
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', archive], {
      cwd: folder,
      timeout: 180_000,
    });
    await cp('productions/adt-hub', join(folder, 'hub'), { recursive: true });
    const npx = (...words: string[]) =>
      run('npx', ['waybill', ...words], { cwd: folder, timeout: 120_000 });
    const environment = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as object;
    expect(environment).toHaveProperty('dependencies.waybill');
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    expect((await npx('--version')).stdout.trim()).toBe(version);
    expect((await npx('check', 'node_modules/waybill/productions/passthrough')).stdout).toContain(
      'no problems',
    );
    expect((await npx('test', 'hub')).stdout).toMatch(/passed/);
    // what only the sandbox needs does not come with the engine
    const refused = await npx('demo', '--once').catch((error: { stderr: string }) => error);
    const [, packages = ''] = /npm install --no-save (.+)/.exec(refused.stderr) ?? [];
    expect(packages).toMatch(/^oidc-provider@\S+ smtp-server@\S+$/);
    await run(
      'npm',
      [
        'install',
        '--no-audit',
        '--no-fund',
        '--prefer-offline',
        '--no-save',
        ...packages.split(' '),
      ],
      {
        cwd: folder,
        timeout: 180_000,
      },
    );
    const { stdout } = await npx('demo', '--once', '--json');
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ ok: true });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 400_000);
