import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { statusCommand } from '../../src/cli/command/operate.ts';
import { findCommand, traceCommand } from '../../src/cli/command/trace.ts';
import { ran } from '../support/command.ts';
import { type EngineProcess, startEngineProcess } from '../support/engine-process.ts';
import { addLocalUser } from '../support/local-user.ts';
import { mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { startNats } from '../support/nats.ts';
import { adt, WARD } from '../support/operator.ts';
import { productionFolder } from '../support/production.ts';
import { visitor } from '../support/visitor.ts';

interface Part {
  readonly production: string;
  readonly answer?: { readonly hits: readonly object[] };
  readonly missing?: object;
}

const PASSWORD = 'three rivers meet here';

test('productions in processes of their own are one console and one command line, also when one is killed and back', async () => {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const url = new URL(nats.url.replace(/^(?!nats:\/\/)/, 'nats://'));
  [url.username, url.password] = [nats.user ?? '', nats.password ?? ''];
  const receiver = stack.use(await mllpReceiver());
  const made = async (name: string, settings = '') => {
    const folder = stack.use(
      await productionFolder({
        'production.yaml': WARD.replace('production: ward', `production: ${name}`),
        'console.yaml': settings,
      }),
    );
    const [port, web] = [await freePort(), await freePort()];
    const data = join(folder.path, 'data');
    await mkdir(data, { mode: 0o700 });
    const run = async (): Promise<EngineProcess> =>
      stack.use(
        await startEngineProcess({
          production: folder.path,
          data,
          ports: [port, web],
          plane: true,
          environment: {
            LISTEN: `127.0.0.1:${port}`,
            CONNECT: `127.0.0.1:${receiver.port}`,
            WAYBILL_NATS: url.href,
          },
          arguments: ['--nats', url.href, '--console', `127.0.0.1:${web}`],
        }),
      );
    const send = (id: string) => sendUntilAcknowledged(port, [adt(id)], () => undefined);
    return { data, web: `http://127.0.0.1:${web}/`, run, send };
  };
  const hub = await made('hub', "productions: ['*']\n");
  const lab = await made('lab');
  await addLocalUser(hub.data, { name: 'anna', password: PASSWORD });
  const [, first] = await Promise.all([hub.run(), lab.run()]);
  await Promise.all([hub.send('A1'), lab.send('B1')]);
  const anna = visitor(hub.web);
  await anna.signIn('anna', PASSWORD);
  const of = async (path: string) => (await anna.ask('GET', `/api/v1/productions${path}`)).status;
  const list = async () => (await anna.ask('GET', '/api/v1/productions')).body['productions'];
  expect(await list()).toEqual(['hub', 'lab']);
  await vi.waitFor(async () => expect(await of('/lab/status')).toBe(200));

  const where = ['--nats', url.href];
  const found = await vi.waitFor(async () => {
    const { output } = await ran(findCommand(), ['4711', ...where]);
    expect(output.match(/^(?:hub|lab):$/gm)).toEqual(['hub:', 'lab:']);
    expect(output.match(/\d{13,}/g)?.length).toBeGreaterThan(1);
    return output;
  });
  const status = await ran(statusCommand(), where);
  expect(status.output).toMatch(/^hub \(/m);
  expect(status.output).toMatch(/^lab \(/m);
  const session = /\d{13,}/.exec(found.slice(found.indexOf('lab:')))?.[0] ?? '';
  expect((await ran(traceCommand(), [session, ...where])).output).toMatch(/^lab:$/m);

  // all at once: one that stands still holds up nothing, and says so until it goes on
  const parts = async (wait: number) => {
    const path = `/api/v1/across/find?text=4711&wait=${wait}`;
    const { body } = await anna.ask<{ parts: Part[] }>('GET', path);
    return body.parts;
  };
  const hits = expect.objectContaining({ hits: [expect.anything()] });
  const answers = (production: string) => expect.objectContaining({ production, answer: hits });
  await vi.waitFor(async () =>
    expect(await parts(5_000)).toEqual([answers('hub'), answers('lab')]),
  );
  process.kill(first.pid, 'SIGSTOP');
  const silent = { production: 'lab', missing: expect.objectContaining({ retryable: true }) };
  expect(await parts(1_500)).toEqual([answers('hub'), silent]);
  process.kill(first.pid, 'SIGCONT');
  await vi.waitFor(async () =>
    expect(await parts(5_000)).toEqual([answers('hub'), answers('lab')]),
  );

  await first.kill();
  await vi.waitFor(async () => expect(await of('/lab/status')).toBe(503), 30_000);
  const brief = await anna.ask('GET', '/api/v1/productions/lab');
  expect(brief.body).toMatchObject({ production: 'lab', engines: [] });
  expect((await anna.ask('GET', '/api/v1/status')).status).toBe(200);
  expect(await list()).toEqual(['hub', 'lab']);
  expect(await parts(5_000)).toEqual([answers('hub'), silent]);
  const without = await ran(findCommand(), ['4711', ...where]);
  expect([without.code, without.errors]).toEqual([
    0,
    expect.stringMatching(/^lab: nobody answers/m),
  ]);
  expect((await ran(statusCommand(), where)).output).toContain('lab is not running');

  await Promise.all([lab.run(), (await made('late')).run()]);
  await lab.send('B2');
  await vi.waitFor(async () => expect(await of('/lab/status')).toBe(200));
  await vi.waitFor(async () => expect(await list()).toEqual(['hub', 'lab', 'late']), 30_000);
  await vi.waitFor(async () => expect(await of('/late/status')).toBe(200));
});
