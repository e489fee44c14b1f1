import { expect, test, vi } from 'vitest';
import { EngineError } from '../../src/error/engine-error.ts';
import { definition, operationDefinition, serviceDefinition } from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';

test.for(['CREDENTIAL_REFUSED', 'CREDENTIAL_MISSING'] as const)(
  'a token that is refused for good (%s) stops the operation and fails no message',
  async (code) => {
    await using nats = await startNats();
    const from = testInbound();
    let isWrong = true;
    let tries = 0;
    const to = testOutbound(() => {
      tries++;
      if (isWrong) throw new EngineError(code, 'the client secret is wrong');
      return undefined;
    });
    await using running = await run(
      nats,
      definition({
        services: [serviceDefinition('in', from, { to: ['out'] })],
        operations: [operationDefinition('out', to)],
      }),
    );
    const deliver = (text: string) => from.deliver({ body: Buffer.from(text), type: 'text/plain' });
    await vi.waitFor(() => deliver('a'));
    await deliver('b');
    const out = () => running.director.statuses().find(({ host }) => host === 'out');
    await vi.waitFor(() => expect(out()?.state).toBe('stopped'));
    expect(tries).toBe(1);
    isWrong = false;
    await running.director.switchOn('out');
    await vi.waitFor(() => expect(to.sent).toHaveLength(2));
  },
);
