import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { freePort } from '../sandbox/free-port.ts';
import { findNatsServer } from '../src/broker/embedded/nats-binary.ts';
import { postgresPrograms, startPostgres } from './support/postgres.ts';
import { bundle } from './support/program.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/** There is no Docker here: the commands of its files are run bare, with other ports and folders. */

const run = promisify(execFile);

interface Service {
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly configs?: readonly [{ readonly source: string }];
}

const compose = parse(await readFile('docker-compose.yml', 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
};
/** The health check of the image, which engines have. */
const health = JSON.parse(
  /HEALTHCHECK[^[]*(\[.*\])/.exec(await readFile('Dockerfile', 'utf8'))?.[1] ?? '[]',
) as string[];

/** What starts is read from the bundle of the sources. */
const bundled = async (): Promise<NodeJS.ProcessEnv> => ({
  ...process.env,
  NODE_OPTIONS: `--import=${join(await bundle(), 'loader.mjs')}`,
});

/** A service that was started by its command. */
interface Up {
  readonly child: ChildProcess;
  /** Where it listens, by the port of the file. */
  port(of: number): Promise<number>;
  output(): string;
  /** Resolves once its health check, or that of the image, is content. */
  healthy(): Promise<void>;
  /** Ends it as Docker does. */
  down(): Promise<void>;
}

interface Lab extends AsyncDisposable {
  readonly folder: string;
  up(service: string): Promise<Up>;
}

async function lab(database = ''): Promise<Lab> {
  const folder = await temporaryFolder('container');
  await mkdir(join(folder.path, 'pki'));
  await mkdir(join(folder.path, 'made/passwords'), { recursive: true });
  const script = compose.services['passwords']?.command[0] ?? '';
  const ports = new Map<string, Promise<number>>();
  const portOf = (service: string, port: string): Promise<number> => {
    const key = `${service}:${port}`;
    const known = ports.get(key) ?? freePort();
    ports.set(key, known);
    return known;
  };
  const started: Up[] = [];

  /** A word of a command as it is here: the ports of each service are others, and so are its folders. */
  const here = async (word: string, service: string): Promise<string> => {
    const plain = word
      .replaceAll('$$', '$')
      .replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')
      .replace(/^postgres:\/\/.*/, database)
      .replace(/(^|")\/pki\b/, `$1${join(folder.path, 'pki')}`)
      .replace(
        /(?<=^cd |file:)(?=\/passwords\b)/m,
        join(folder.path, isNats(service) ? service : 'made'),
      )
      .replace(/(^|")\/data\b/, `$1${join(folder.path, service)}`);
    if (plain === database) return plain;
    let made = '';
    let end = 0;
    for (const found of plain.matchAll(
      /([\w.-]*)(:|: 127.0.0.1:|\()(\d{4})\b|^(\d{4}(?:,\d{4})*)$/g,
    )) {
      const [whole, host = '', colon = '', port = '', list] = found;
      const isOther = Object.hasOwn(compose.services, host);
      const numbers = await Promise.all(
        (list ?? port).split(',').map((one) => portOf(isOther ? host : service, one)),
      );
      const name =
        host === 'hospital' ? 'localhost' : isOther || host === '0.0.0.0' ? '127.0.0.1' : host;
      made += plain.slice(end, found.index) + name + colon + numbers.join(',');
      end = found.index + whole.length;
    }
    return made + plain.slice(end);
  };
  const allHere = (words: readonly string[], service: string): Promise<string[]> =>
    Promise.all(words.map((word) => here(word, service)));

  const spawned = async (name: string): Promise<ChildProcess> => {
    const { command, environment = {} } = compose.services[name] ?? { command: [] };
    await mkdir(join(folder.path, name), { recursive: true });
    const words = await allHere(command, name);
    if (!isNats(name)) {
      const given = await Promise.all(
        Object.entries(environment).map(async ([key, value]) => [key, await here(value, name)]),
      );
      return spawn(process.execPath, ['src/cli/waybill.cjs', ...words], {
        env: { ...(await bundled()), WAYBILL_INSTALL: 'never', ...Object.fromEntries(given) },
      });
    }
    // as each sees them: the passwords are the same, the ports of the cluster are each one's own here
    await cp(join(folder.path, 'made/passwords'), join(folder.path, name, 'passwords'), {
      recursive: true,
    });
    await run('sh', ['-euc', await here(script, name)]);
    const configuration = join(folder.path, name, 'etc/nats/waybill.conf');
    await mkdir(dirname(configuration), { recursive: true });
    const source = compose.services[name]?.configs?.[0].source ?? '';
    const lines = compose.configs[source]?.content.split('\n') ?? [];
    const text = await Promise.all(
      lines.map((line) => here(line.replace('http: ', 'http: 127.0.0.1:'), name)),
    );
    await writeFile(configuration, text.join('\n'));
    const own = words.map((word) => word.replace('/etc/nats/waybill.conf', configuration));
    return spawn(await findNatsServer(), [...own, '-p', String(await portOf(name, '4222'))]);
  };

  await run('sh', ['-euc', await here(script, 'made')]);
  return {
    folder: folder.path,
    async up(name) {
      const child = await spawned(name);
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
      }
      const [kind, command = '', ...words] = compose.services[name]?.healthcheck?.test ?? [
        'CMD',
        ...health,
      ];
      const check = async (): Promise<void> => {
        if (child.exitCode !== null) throw new Error(`${name} ended: ${output}`);
        const given = await allHere(words, name);
        if (command !== 'wget') await run(process.execPath, given);
        else if (!(await fetch(given.at(-1) ?? '')).ok) throw new Error(`${name} is not healthy`);
      };
      expect([kind, ['node', 'wget'].includes(command)]).toEqual(['CMD', true]);
      const up: Up = {
        child,
        port: (of) => portOf(name, String(of)),
        output: () => output,
        healthy: () =>
          vi.waitFor(check, { timeout: 90_000, interval: 1_000 }).catch((error: unknown) => {
            throw new Error(`${name} did not become healthy; it said:\n${output}`, {
              cause: error,
            });
          }),
        async down() {
          if (child.exitCode !== null || child.signalCode !== null) return;
          const ended = once(child, 'exit');
          child.kill('SIGTERM');
          await ended;
        },
      };
      started.push(up);
      return up;
    },
    async [Symbol.asyncDispose]() {
      for (const up of started.toReversed()) await up.down();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const isNats = (service: string): boolean => service.startsWith('nats');

/** Sends a message of the demo's sender to an engine, by the command of the image. */
async function send(folder: string, port: number): Promise<string> {
  const file = join(folder, 'message.hl7');
  await writeFile(
    file,
    'MSH|^~\\&|EPIC|MAIN|HUB|HUB|20260101||ADT^A01^ADT_A01|C1|P|2.5.1\rEVN|A01|20260101\rPID|1||C1^^^H^MR||DOE^JOHN\rPV1|1|I|W1\r',
  );
  const pki = (name: string): string => join(folder, 'pki', name);
  const words = ['send', `mllps://localhost:${port}`, file];
  const files = ['--ca', pki('ca.crt'), '--cert', pki('sender.crt'), '--key', pki('sender.key')];
  const { stdout } = await run(process.execPath, ['src/cli/waybill.cjs', ...words, ...files], {
    env: await bundled(),
  });
  return stdout;
}

test('the services of the compose file start by their commands, are healthy by their checks, and end in order', async () => {
  await using made = await lab();
  const [nats, hospital] = await Promise.all([made.up('nats'), made.up('hospital')]);
  await Promise.all([nats.healthy(), hospital.healthy()]);
  const engine = await made.up('engine');
  await engine.healthy();
  expect(await send(made.folder, await engine.port(2575))).toMatch(/AA/);
  await vi.waitFor(() => expect(engine.output()).toContain('Ctrl-C stops.'), 30_000);
  await engine.down();
  expect(engine.child.exitCode).toBe(0);
});

/** Signs in with the code that the operator plane printed, as a person would; gives the session's cookie. */
async function firstAdministrator(url: string, output: string): Promise<string> {
  const [, code] = /#first=(\S+)/.exec(output) ?? [];
  const answer = await fetch(new URL('api/v1/sign-in/first', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: new URL(url).origin },
    body: JSON.stringify({ code, user: 'chief', password: 'a-long-enough-passphrase' }),
  });
  expect(answer.status).toBe(200);
  return answer.headers
    .getSetCookie()
    .map((one) => one.split(';', 1)[0])
    .join('; ');
}

const postgres = await postgresPrograms();

test.skipIf(postgres === undefined)(
  'in the cluster three servers keep copies, an engine and an operator plane run apart, and each says whether it works',
  async () => {
    await using database = await startPostgres(postgres ?? '');
    await using made = await lab(database.url);
    const names = ['nats-1', 'nats-2', 'nats-3', 'hospital'];
    const around = await Promise.all(names.map((name) => made.up(name)));
    await Promise.all(around.map((one) => one.healthy()));
    const engine = await made.up('engine-1');
    await engine.healthy();
    expect(await send(made.folder, await engine.port(2575))).toMatch(/AA/);
    const operator = await made.up('operator');
    await operator.healthy();
    await vi.waitFor(() => expect(operator.output()).toContain('console: '), 40_000);
    const url = /console: (\S+)/.exec(operator.output())?.[1] ?? '';
    await vi.waitFor(() => expect(operator.output()).toContain('#first='), 10_000);
    const cookie = await firstAdministrator(url, operator.output());
    const hosts = await vi.waitFor(async () => {
      const answer = await fetch(new URL('api/v1/hosts', url), { headers: { cookie } });
      expect(answer.status).toBe(200);
      return answer.text();
    }, 20_000);
    expect(hosts).toContain('adt-in');
    for (const one of [operator, engine]) {
      await one.down();
      expect(one.child.exitCode).toBe(0);
    }
  },
  180_000,
);
