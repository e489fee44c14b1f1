import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { askAll } from '../../src/control/control.ts';
import type { StatusReport } from '../../src/control/engine-report.ts';
import { ENGINE } from '../../src/control/verbs.ts';
import { credentials } from '../../src/credential/credentials.ts';
import type { Definition } from '../../src/definition/definition.ts';
import { engineControl } from '../../src/engine/engine-control.ts';
import { reloader } from '../../src/engine/reload.ts';
import { silentLogger } from '../../src/log/logger.ts';
import {
  definition,
  operationDefinition,
  processDefinition,
  serviceDefinition,
} from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

const DAY = 86_400_000;
const unused = async () => undefined as never;

test('messages that wait for a time are told with their host, and keep it in the production', async () => {
  await using nats = await startNats();
  const file = join(nats.data, 'steps.ts');
  await writeFile(file, `export default (message, context) => context.sleep(2 * ${DAY});\n`);
  const from = testInbound();
  const out = testOutbound();
  const read = (targets: readonly string[]): Definition =>
    definition({
      services: [serviceDefinition('in', from, { to: targets })],
      processes: targets.includes('steps')
        ? [
            processDefinition('steps', {
              code: file,
              run: 'queued',
              order: 'none',
              pool: 2,
              whileWaiting: 'release',
            }),
          ]
        : [],
      operations: [operationDefinition('out', out)],
    });
  await using running = await run(nats, read(['steps']));
  const { director, engine } = running;
  for (const n of ['1', '2', '3']) {
    await vi.waitFor(() => from.deliver({ body: Buffer.from(n), type: 'text/plain' }));
  }
  await vi.waitFor(() => expect(director.waiting()?.get('steps')?.count).toBe(3), 5_000);
  const control = engineControl(
    { engine, director, lost: () => [], data: '.' },
    {
      reload: unused,
      history: unused,
      files: unused,
      fileText: unused,
      checkFiles: unused,
      changeFiles: unused,
      rehearse: unused,
      test: unused,
      certificates: unused,
      publicKeys: unused,
      tokenKeys: unused,
      inspectToken: unused,
      signToken: unused,
      waitingKeys: unused,
      makeKey: unused,
      takeCertificate: unused,
      discardKey: unused,
      figures: unused,
    },
  );
  const report = async (): Promise<StatusReport | undefined> => {
    return (await askAll(engine.broker, ENGINE.status, null))[0];
  };
  const told = (await report())?.hosts.find(({ host }) => host === 'steps');
  expect(told).toMatchObject({ queue: { depth: 0 }, waiting: { count: 3 } });
  expect(Math.abs((told?.waiting?.next ?? 0) - Date.now() - 2 * DAY)).toBeLessThan(20_000);

  const reload = reloader({
    director,
    broker: engine.broker,
    credentials: credentials(new Map(), { log: silentLogger, folder: '/' }),
    read: async () => ({ definition: read(['out']), problems: [] }),
  });
  const shown = await reload({ dryRun: true, by: 'test' });
  expect(shown.waiting).toMatchObject([{ host: 'steps', depth: 3, waiting: 3 }]);
  await expect(reload({ dryRun: false, by: 'test' })).rejects.toMatchObject({
    code: 'MESSAGES_WAITING',
    message: expect.stringMatching(/^3 messages wait for steps, until a time or an answer comes:/),
  });
  await reload({ dryRun: false, by: 'test', leaveWaiting: true });
  expect((await report())?.left).toMatchObject([{ host: 'steps', depth: 3, waiting: 3 }]);
  control.close();
});
