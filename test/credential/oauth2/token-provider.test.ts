import { expect, test, vi } from 'vitest';
import { CredentialError } from '../../../src/credential/credential-error.ts';
import { credentialEvents } from '../../../src/credential/credential-events.ts';
import { type Token, tokenFrom } from '../../../src/credential/oauth2/token.ts';
import {
  type TokenProvider,
  tokenProvider,
} from '../../../src/credential/oauth2/token-providers.ts';
import { rootLogger } from '../../../src/log/logger.ts';
import { type Clock, fixedClock, systemClock } from '../../../src/time/clock.ts';

const never = new AbortController().signal;
const MINUTE = 60_000;
const DAY = 86_400_000;

interface Bench {
  readonly provider: TokenProvider;
  readonly clock: Clock & Partial<Pick<ReturnType<typeof fixedClock>, 'set'>>;
  readonly lines: string[];
  /** How often the server was asked. */
  readonly asked: () => number;
  /** Lets the oldest open request end. */
  readonly settle: (with_: Error | number) => void;
  readonly later: (time: number) => void;
}

/** A provider over a server of which each answer is given by hand: a lifetime in seconds, or an error. */
function bench(clock: Bench['clock'] = fixedClock(1_000_000)): Bench {
  const lines: string[] = [];
  const log = rootLogger('trace', { write: (line) => void lines.push(line) });
  const open: PromiseWithResolvers<Token>[] = [];
  let count = 0;
  const provider = tokenProvider(
    {
      fetch(signal) {
        count += 1;
        const request = Promise.withResolvers<Token>();
        open.push(request);
        signal.addEventListener('abort', () => request.reject(signal.reason as Error));
        return request.promise;
      },
    },
    { credential: 'graph', clock, events: credentialEvents(log, 'graph') },
  );
  return {
    provider,
    clock,
    lines,
    asked: () => count,
    later: (time) => clock.set?.(clock.now() + time),
    settle(answer) {
      const request = open.shift();
      if (typeof answer !== 'number') return request?.reject(answer);
      const body = { access_token: `token ${count}`, expires_in: answer };
      const token = tokenFrom(body, { now: clock.now() });
      if (token !== undefined) request?.resolve(token);
    },
  };
}

function unavailable(retryAfter?: number): CredentialError {
  return new CredentialError('CREDENTIAL_UNAVAILABLE', 'graph', {
    cause: 'the server is busy',
    remedy: 'Wait',
    retryable: true,
    retryAfter,
  });
}

function refused(): CredentialError {
  return new CredentialError('CREDENTIAL_REFUSED', 'graph', { cause: 'wrong', remedy: 'Correct' });
}

async function holding(lifetime: number): Promise<Bench> {
  const made = bench();
  const first = made.provider.token(never);
  made.settle(lifetime);
  await first;
  return made;
}

test('a clock that is set back by a year neither keeps a dead token alive nor a server at rest', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  try {
    const { provider, settle, asked } = bench(systemClock);
    const first = provider.token(never);
    settle(unavailable());
    await expect(first).rejects.toThrow('the server is busy');
    vi.setSystemTime(Date.now() - 365 * DAY);
    vi.advanceTimersByTime(2_000);
    const second = provider.token(never);
    settle(3_600);
    expect(await second).toBe('token 2');
    vi.setSystemTime(Date.now() - 365 * DAY);
    vi.advanceTimersByTime(30 * MINUTE);
    expect(await provider.token(never)).toBe('token 2');
    vi.advanceTimersByTime(31 * MINUTE);
    const third = provider.token(never);
    settle(3_600);
    expect(await third).toBe('token 3');
    expect(asked()).toBe(3);
  } finally {
    vi.useRealTimers();
  }
});

test('twenty who need a token at once wait for one request', async () => {
  const { provider, settle, asked } = bench();
  const waiting = Array.from({ length: 20 }, () => provider.token(never));
  settle(3_600);
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['token 1']));
  expect(asked()).toBe(1);
});

test('a token is given out again without asking', async () => {
  const { provider, asked, later } = await holding(3_600);
  later(50 * MINUTE);
  expect(await provider.token(never)).toBe('token 1');
  expect(asked()).toBe(1);
});

test('a token that is due is renewed while everybody goes on with the old one', async () => {
  const { provider, asked, later, settle } = await holding(3_600);
  later(56 * MINUTE);
  // Nobody has answered yet: were the renewal waited for, this would hang.
  expect(await Promise.all([provider.token(never), provider.token(never)])).toEqual([
    'token 1',
    'token 1',
  ]);
  expect(asked()).toBe(2);
  settle(3_600);
  await vi.waitFor(async () => expect(await provider.token(never)).toBe('token 2'));
  expect(asked()).toBe(2);
});

test('a token is good while its renewal fails, and people are told', async () => {
  const { provider, asked, later, settle, lines } = await holding(3_600);
  later(56 * MINUTE);
  await provider.token(never);
  settle(unavailable());
  await vi.waitFor(() => expect(lines.join()).toContain('the old token is still valid'));
  expect(await provider.token(never)).toBe('token 1');
  expect(asked()).toBe(2);
  later(2_000);
  expect(await provider.token(never)).toBe('token 1');
  expect(asked()).toBe(3);
});

test('when the old token is over, everybody gets the refusal without asking again', async () => {
  const { provider, asked, later, settle } = await holding(3_600);
  later(61 * MINUTE);
  const first = provider.token(never);
  settle(unavailable(30_000));
  await expect(first).rejects.toThrow('the server is busy');
  await expect(provider.token(never)).rejects.toMatchObject({
    code: 'CREDENTIAL_UNAVAILABLE',
    retryable: true,
    retryAfter: 30_000,
  });
  expect(asked()).toBe(2);
});

test('the server is left alone as long as it asked for, and no longer', async () => {
  const { provider, asked, later, settle } = bench();
  const first = provider.token(never);
  settle(unavailable(7_000));
  await expect(first).rejects.toThrow('busy');
  later(6_999);
  await expect(provider.token(never)).rejects.toThrow('busy');
  expect(asked()).toBe(1);
  later(1);
  const second = provider.token(never);
  settle(3_600);
  expect(await second).toBe('token 2');
});

test('failures in a row are further and further apart, up to a minute', async () => {
  const { provider, asked, later, settle } = bench();
  const waits: number[] = [];
  for (let failure = 0; failure < 9; failure++) {
    const before = asked();
    let waited = 0;
    let next = provider.token(never).catch((error: unknown) => error);
    while (asked() === before) {
      await next;
      later(100);
      waited += 100;
      next = provider.token(never).catch((error: unknown) => error);
    }
    waits.push(waited);
    settle(unavailable());
    await next;
  }
  expect(waits[1]).toBeGreaterThanOrEqual(800);
  expect(waits[1]).toBeLessThanOrEqual(1_000);
  expect(waits[3]).toBeGreaterThanOrEqual(3_200);
  expect(waits.at(-1)).toBeGreaterThanOrEqual(48_000);
  expect(waits.at(-1)).toBeLessThanOrEqual(60_000);
});

test('what only a person can correct is not asked again for some seconds', async () => {
  const { provider, asked, later, settle } = bench();
  const first = provider.token(never);
  settle(refused());
  await expect(first).rejects.toMatchObject({ code: 'CREDENTIAL_REFUSED', retryable: false });
  later(7_900);
  await expect(provider.token(never)).rejects.toThrow('wrong');
  expect(asked()).toBe(1);
  later(2_100);
  const second = provider.token(never);
  settle(3_600);
  expect(await second).toBe('token 2');
});

test('after a 401 all who say so share one new token', async () => {
  const { provider, asked, settle } = await holding(3_600);
  const waiting = Array.from({ length: 10 }, () => provider.token(never, { fresh: true }));
  settle(3_600);
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['token 2']));
  expect(asked()).toBe(2);
});

test('one who hears of the 401 late gets the token that the others fetched', async () => {
  const { provider, asked, settle, later } = await holding(3_600);
  const first = provider.token(never, { fresh: true });
  settle(3_600);
  await first;
  later(9_000);
  expect(await provider.token(never, { fresh: true })).toBe('token 2');
  expect(asked()).toBe(2);
});

test('one who hears of it later still does not have the new one renewed, which nobody refused', async () => {
  const { provider, asked, settle, later } = await holding(3_600);
  const first = provider.token(never, { fresh: true, refused: 'token 1' });
  settle(3_600);
  await first;
  later(11_000);
  expect(await provider.token(never, { fresh: true, refused: 'token 1' })).toBe('token 2');
  expect(asked()).toBe(2);
});

test('a new token that is refused within ten seconds is told as such, and renewed after them', async () => {
  const { provider, asked, settle, later } = await holding(3_600);
  const first = provider.token(never, { fresh: true, refused: 'token 1' });
  settle(3_600);
  await first;
  later(4_000);
  await expect(provider.token(never, { fresh: true, refused: 'token 2' })).rejects.toMatchObject({
    code: 'CREDENTIAL_UNAVAILABLE',
    retryable: true,
    retryAfter: 6_000,
    message: expect.stringContaining('renewed 4 s ago'),
  });
  expect(asked()).toBe(2);
  later(6_000);
  const next = provider.token(never, { fresh: true, refused: 'token 2' });
  settle(3_600);
  expect(await next).toBe('token 3');
});

test('a peer that refuses every token starts no storm of token requests', async () => {
  const { provider, asked, settle, later } = await holding(3_600);
  for (let second = 0; second < 60; second++) {
    const before = asked();
    const token = provider.token(never, { fresh: true });
    if (asked() > before) settle(3_600);
    await token;
    later(1_000);
  }
  expect(asked()).toBeLessThanOrEqual(8);
});

test('others go on with the old token while one waits for a new one', async () => {
  const { provider, settle } = await holding(3_600);
  const fresh = provider.token(never, { fresh: true });
  expect(await provider.token(never)).toBe('token 1');
  settle(3_600);
  expect(await fresh).toBe('token 2');
});

test('a token is not given out when it would expire on the way', async () => {
  const { provider, asked, later, settle } = await holding(3_600);
  later(60 * MINUTE - 29_000);
  const next = provider.token(never);
  expect(asked()).toBe(2);
  settle(3_600);
  expect(await next).toBe('token 2');
});

test('a token of twenty seconds is used for most of them', async () => {
  const { provider, asked, later } = await holding(20);
  later(10_000);
  expect(await provider.token(never)).toBe('token 1');
  expect(asked()).toBe(1);
});

test('one who gives up does not take the request from the others', async () => {
  const { provider, settle } = bench();
  const impatient = new AbortController();
  const first = provider.token(impatient.signal);
  const second = provider.token(never);
  impatient.abort(new Error('stopped'));
  await expect(first).rejects.toThrow('stopped');
  settle(3_600);
  expect(await second).toBe('token 1');
});

test('one who has given up already starts no request', async () => {
  const { provider, asked } = bench();
  await expect(provider.token(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
  expect(asked()).toBe(0);
});

test('closing ends the request and refuses later ones', async () => {
  const { provider, asked } = bench();
  const waiting = provider.token(never);
  const refusal = waiting.catch((error: unknown) => error);
  await provider.close();
  expect(String(await refusal)).toContain('the engine is stopping');
  await expect(provider.token(never)).rejects.toThrow('the engine is stopping');
  expect(asked()).toBe(1);
});

test('an unknown error is told by its name only', async () => {
  const { provider, settle } = bench();
  const waiting = provider.token(never);
  settle(new TypeError('unexpected token MARKER in JSON'));
  const error = (await waiting.catch((thrown: unknown) => thrown)) as CredentialError;
  expect(error).toBeInstanceOf(CredentialError);
  expect(error.message).not.toContain('MARKER');
  expect(error.message).toContain('TypeError');
});
