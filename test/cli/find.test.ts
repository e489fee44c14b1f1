import { userInfo } from 'node:os';
import { expect, test, vi } from 'vitest';
import type { AuditEntry } from '../../src/access/audit/audit.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { findCommand, traceCommand } from '../../src/cli/command/trace.ts';
import { serveControl } from '../../src/control/control.ts';
import { PLANE } from '../../src/control/verbs.ts';
import { serveTrace } from '../../src/plane/answer-questions.ts';
import { sqliteTraceStore } from '../../src/trace/store/sqlite/trace-store.ts';
import type { VerifyReport } from '../../src/trace/verify.ts';
import { startNats } from '../support/nats.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { sampleSession } from '../support/trace-sample.ts';

const sample = sampleSession({ mrn: 'M1' });
const failed = sampleSession({
  number: 1,
  mrn: 'M2',
  outcome: {
    status: 'error',
    error: { code: 'ADAPTER_REJECTED', text: 'no bed', retryable: false },
  },
});

const none = { count: 0, ids: [] };
const SAME: VerifyReport = {
  read: 7,
  behind: 0,
  repaired: false,
  missing: none,
  outcome: none,
  incomplete: none,
  lost: none,
  doubled: none,
};

const recorded: AuditEntry[] = [];

/** Runs commands against a trace that is served over NATS, and gives what they print. */
async function served(
  run: (print: (...words: string[]) => Promise<string>) => Promise<void>,
  behind = 0,
  verified: VerifyReport = SAME,
): Promise<void> {
  await using nats = await startNats();
  await using folder = await temporaryFolder('cli-find');
  await using store = sqliteTraceStore({ folder: folder.path });
  await store.apply([...sample.all, ...failed.all]);
  await using broker = await connectBroker({ ...nats, production: 'hub', role: 'operator' });
  const server = serveTrace(broker, store, () => ({
    record: async (one) => void recorded.push(one),
  }));
  const { lag, verify } = PLANE;
  const told = serveControl(broker, { lag, verify }, { lag: () => behind, verify: () => verified });
  await broker.connection.flush();
  const url = new URL(nats.url.replace(/^(?!nats:\/\/)/, 'nats://'));
  url.username = nats.user ?? '';
  url.password = nats.password ?? '';
  using output = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  await run(async (command, ...words) => {
    output.mockClear();
    const made = command === 'find' ? findCommand() : traceCommand();
    await made.parseAsync([...words, '--nats', url.href, '--production', 'hub'], { from: 'user' });
    return output.mock.calls.map(([text]) => String(text)).join('');
  });
  server.close();
  told.close();
}

test('what the command line finds and draws is recorded, by the account and not by $USER', async () => {
  recorded.length = 0;
  vi.stubEnv('USER', 'somebody-else');
  await served(async (print) => {
    await print('find', 'mrn=m1');
    await print('find', 'M2');
    await print('trace', String(failed.derived));
  });
  vi.unstubAllEnvs();
  expect(recorded.map(({ action }) => action)).toEqual([
    'message.search',
    'message.find',
    'message.trace',
  ]);
  for (const { actor, detail } of recorded) {
    expect(actor.name.split(' ')[0]).toBe(userInfo().username);
    expect(actor.via).toBe('command line');
    expect(detail).toMatchObject({ assertedBy: 'client' });
  }
});

test('find prints a table of what its criteria ask for, trace draws one session', async () => {
  await served(async (print) => {
    const errors = await print('find', 'status=error');
    expect(errors).toContain(String(failed.derived));
    expect(errors).toContain('ADAPTER_REJECTED no bed');
    expect(errors).toContain('1 message; everything was searched');
    const byMrn = await print('find', 'mrn=m1', '--json');
    expect(JSON.parse(byMrn)).toMatchObject({
      items: [{ id: sample.derived }, { id: sample.root }],
      complete: true,
    });
    expect(await print('find', 'M2')).toContain(`mrn of session ${failed.root}`);
    const page = JSON.parse(await print('find', '--limit', '3', '--json')) as { next: string };
    expect(JSON.parse(await print('find', '--after', page.next, '--json'))).toMatchObject({
      items: [{ id: sample.root }],
    });
    const drawn = await print('trace', String(failed.derived));
    expect(drawn).toContain(`session ${failed.root}`);
    expect(drawn).toContain('ADAPTER_REJECTED no bed');
    expect(JSON.parse(await print('trace', String(failed.root), '--json'))).toMatchObject({
      id: failed.root,
    });
  });
});

test('a search of a trace that is behind says by how much, and not that everything was searched', async () => {
  await served(async (print) => {
    const found = await print('find', 'status=error');
    expect(found).toContain('the trace is 12 messages behind');
    expect(found).not.toContain('everything was searched');
    expect(JSON.parse(await print('find', 'mrn=m1', '--json'))).toMatchObject({ behind: 12 });
    expect(await print('find', 'M2')).toContain('the trace is 12 messages behind');
  }, 12);
});

test('trace verify asks the production that it is given, and ends with 1 where trace and streams differ', async () => {
  await served(
    async (print) => {
      expect(await print('trace', 'verify')).toBe('2 messages are not in the trace: 4, 5\n');
      expect(process.exitCode).toBe(1);
      process.exitCode = undefined;
    },
    0,
    { ...SAME, missing: { count: 2, ids: [4, 5] } },
  );
});

test('a mistyped criterion and an unknown session are refused in plain words', async () => {
  await served(async (print) => {
    await expect(print('find', 'nrm=1')).rejects.toThrow(/mrn\?/);
    await expect(print('find', '--limit', 'x')).rejects.toThrow('--limit x is not a whole number');
    await expect(print('trace', '123456')).rejects.toThrow('no session or message 123456');
    await expect(print('trace', 'abc')).rejects.toThrow('no session or message abc');
  });
});
