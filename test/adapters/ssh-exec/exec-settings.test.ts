import { describe, expect, test } from 'vitest';
import { execFaults, execSettings } from '../../../adapters/ssh/exec/exec-settings.ts';
import { shellWord, unfinished } from '../../../adapters/ssh/exec/shell-word.ts';
import { readGiven } from '../../support/open-adapter.ts';

const BASE = { connect: 'h:22', credential: 'c', command: 'true' };
const credentials = { c: { kind: 'basic', user: 'u', password: 'p' } } as const;

const faultsOf = (given: Record<string, unknown>) =>
  execFaults(readGiven(execSettings, { ...BASE, ...given }, { credentials }));

test.for([
  ['plain-1.2/x', 'plain-1.2/x'],
  ['', "''"],
  ["it's", `'it'"'"'s'`],
  ['a\\b', `'a'"\\\\"'b'`],
  ['$(id)', "'$(id)'"],
  ['~', "'~'"],
  ['a\nb', "'a\nb'"],
])('%j is one word', ([text, word]) => {
  expect(shellWord(text ?? '')).toBe(word);
});

test.for([
  ['echo "', 'quote'],
  ["echo 'x", 'quote'],
  ['echo \\', 'backslash'],
  ['echo x # y', 'comment'],
  ['cat <<EOF', 'here-document'],
  ['echo `date', '`'],
])('%s would swallow what follows', ([command, why]) => {
  expect(unfinished(command ?? '')).toContain(why);
});

test.for(['lp -d x', 'sh -c "a # b; c" sh', "awk '{print $1}'", 'a "\\"" b', 'x `date` y', 'a#b'])(
  '%s is whole',
  (command) => {
    expect(unfinished(command)).toBeUndefined();
  },
);

describe('settings of ssh-exec-out that cannot work', () => {
  test.for([
    [{ command: ' ' }, 'command'],
    [{ command: 'echo "' }, 'command'],
    [{ command: 'sh -c', arguments: ['{id}'] }, 'arguments'],
    [{ command: '/bin/bash -ec', arguments: ['{id}'] }, 'arguments'],
    [{ command: 'su - lab -c', arguments: ['{id}'] }, 'arguments'],
    [{ command: 'x; eval', arguments: ['{id}'] }, 'arguments'],
    [{ pty: true }, 'pty'],
    [{ expect: [{ prompt: 'x', answer: 'y' }] }, 'expect'],
    [{ stdin: 'none', expect: [{ prompt: 'x' }] }, 'expect.0'],
    [{ become: { user: '-u' } }, 'become.user'],
  ] as const)('%o', ([given, path]) => {
    expect(faultsOf(given).map((fault) => fault.path.join('.'))).toEqual([path]);
  });

  test('and those that can', () => {
    expect(faultsOf({ command: `sh -c 'echo "$1"' sh`, arguments: ['{id}'] })).toEqual([]);
    expect(faultsOf({ command: 'grep -c', arguments: ['{id}'] })).toEqual([]);
  });

  test.for([
    [{ environment: ['1X=y'] }, 'must be a variable'],
    [{ environment: ['X'] }, 'must be a variable'],
    [{ stdin: 'none', expect: [{ prompt: '(' }] }, 'expect'],
  ] as const)('%o is no setting', ([given, problem]) => {
    expect(() => faultsOf(given)).toThrow(problem);
  });
});
