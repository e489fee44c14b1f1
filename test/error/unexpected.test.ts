import { expect, test, vi } from 'vitest';
import { background } from '../../src/error/background.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { isAbort, isSystemError, tolerate, unless } from '../../src/error/foreseen.ts';
import {
  described,
  hearUnexpected,
  stackOf,
  type Unexpected,
  unexpected,
} from '../../src/error/unexpected.ts';
import { logUnexpected } from '../../src/log/log-unexpected.ts';
import { rootLogger } from '../../src/log/logger.ts';

const SECRET = 'Doe^John';

const fail = (): void => unexpected('testing repetition', new TypeError('again'));
const isMissing = (error: unknown): boolean => isSystemError(error, 'ENOENT');

function heard(run: () => void): Unexpected[] {
  const all: Unexpected[] = [];
  const unhear = hearUnexpected((one) => all.push(one));
  run();
  unhear();
  return all;
}

test('an error that nobody foresaw is told with its kind and its place, never with its text', () => {
  const error = new TypeError(`cannot read ${SECRET}\n    at ${SECRET} (file.ts:1:1)`, {
    cause: new SyntaxError(`"${SECRET}" is not JSON`),
  });
  const [one] = heard(() => unexpected('testing the text', error));
  expect(one).toMatchObject({ what: 'testing the text', name: 'TypeError', times: 1 });
  expect(one?.stack[0]).toMatch(/^ {4}at .*unexpected\.test\.ts\S*:\d+:\d+/);
  expect(one?.stack).toContain('caused by SyntaxError SyntaxError');
  const { error: _, ...shown } = one ?? {};
  expect(JSON.stringify(shown) + described(one!)).not.toContain(SECRET);
});

test('an error of our own is told with its text', () => {
  const [one] = heard(() => unexpected('testing our own', new EngineError('NOT_FOUND', 'no x')));
  expect(described(one!)).toMatch(/^unexpected while testing our own: no x at /);
});

test('a log has the text of a foreign error at level debug only', () => {
  const linesAt = (level: string): string => {
    const lines: string[] = [];
    const unhear = logUnexpected(rootLogger(level, { write: (line) => lines.push(line) }));
    unexpected(`testing level ${level}`, new TypeError(SECRET));
    unhear();
    return lines.join('');
  };
  expect(linesAt('info')).toContain('"event":"unexpected-error"');
  expect(linesAt('info')).not.toContain(SECRET);
  expect(linesAt('debug')).toContain(SECRET);
});

test('an equal error that comes again and again is told once, and counted', () => {
  expect(heard(() => Array.from({ length: 100 }, fail))).toHaveLength(1);
});

test('without a listener it is still written somewhere', () => {
  const lines: string[] = [];
  using spy = vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
    return lines.push(String(line)) > 0;
  });
  unexpected('testing without a listener', new RangeError('x'));
  expect(spy).toHaveBeenCalledOnce();
  expect(lines.join('')).toMatch(/unexpected while testing without a listener: RangeError at /);
});

test('what is foreseen is let go, anything else is told', async () => {
  const all: string[] = [];
  const unhear = hearUnexpected(({ what }) => all.push(what));
  const missing = Object.assign(new Error('gone'), { code: 'ENOENT' });
  expect(await Promise.reject(missing).catch(unless(isMissing, 'a'))).toBeUndefined();
  expect(await Promise.reject(new TypeError('x')).catch(unless(isMissing, 'b'))).toBeUndefined();
  expect(tolerate(new DOMException('stop', 'AbortError'), isAbort, 'c')).toBeUndefined();
  expect(isSystemError(Object.assign(new TypeError('x'), { code: 'ERR_INVALID_ARG_TYPE' }))).toBe(
    false,
  );
  background(Promise.reject(new TypeError('y')), 'd');
  background(Promise.reject(missing), 'e', isMissing);
  await new Promise(setImmediate);
  unhear();
  expect(all).toEqual(['b', 'd']);
});

test('the stack of what is no error is empty', () => {
  expect(stackOf('text')).toEqual([]);
});
