import { expect, test, vi } from 'vitest';
import { EngineError } from '../../src/error/engine-error.ts';
import { given } from '../support/given.ts';

test.for(['CREDENTIAL_REFUSED', 'CREDENTIAL_MISSING'] as const)(
  'a token that is refused for good (%s) stops the operation and fails no message',
  async (code) => {
    let isWrong = true;
    let tries = 0;
    const answer = () => {
      tries++;
      if (isWrong) throw new EngineError(code, 'the client secret is wrong');
      return undefined;
    };
    await using line = await given({ operations: { out: { answer } } });
    await line.come('a', 'b');
    await vi.waitFor(() => expect(line.status()?.state).toBe('stopped'));
    expect(tries).toBe(1);
    isWrong = false;
    await line.director.switchOn('out');
    await line.arrive(['a', 'b']);
  },
);
