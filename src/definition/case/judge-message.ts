import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Document } from '../../document/document.ts';
import { documentOf, hl7Header } from '../../document/index.ts';
import { describeError } from '../../error/engine-error.ts';
import type { ExpectedMessage } from '../grammar/test-form.ts';
import { withSegmentEnds } from './message-of.ts';
import type { Failure } from './report.ts';
import type { SentMessage } from './run-message.ts';

/** Compares one message with what is expected of it, value by value. */
export async function judgeMessage(
  expected: ExpectedMessage,
  message: SentMessage,
  { at, folder }: { readonly at: string; readonly folder: string },
): Promise<Failure[]> {
  const failures = [...judgeWhole(expected, message, at), ...judgeFields(expected, message, at)];
  if (expected.body === undefined) return failures;
  const wanted = withSegmentEnds(await readFile(resolve(folder, expected.body)));
  const difference = firstDifference(wanted.toString('utf8'), textOf(message));
  if (difference === undefined) return failures;
  const { line, ...texts } = difference;
  return [...failures, { at: `${at}, body, line ${line}`, ...texts }];
}

const textOf = ({ body }: SentMessage): string => Buffer.from(body).toString('utf8');

function judgeWhole(
  { type, name, contains }: ExpectedMessage,
  message: SentMessage,
  at: string,
): Failure[] {
  const failures: Failure[] = [];
  if (type !== undefined && short(type) !== short(message.type)) {
    failures.push({ at: `${at}, type`, expected: type, actual: message.type });
  }
  if (name !== undefined && name !== message.name) {
    failures.push({ at: `${at}, name`, expected: name, actual: message.name ?? 'none' });
  }
  const text = textOf(message);
  for (const part of contains ?? []) {
    if (text.includes(part)) continue;
    failures.push({ at, expected: `… ${part} …`, actual: `${text.length} characters without it` });
  }
  return failures;
}

const short = (type: string): string => type.replace(/^HL7v2:/, '');

type Expectation = Pick<ExpectedMessage, 'fields' | 'present' | 'absent'>;

function judgeFields(
  { fields, present, absent }: Expectation,
  message: SentMessage,
  at: string,
): Failure[] {
  const failures: Failure[] = [];
  const judge = (path: string, look: (document: Document) => Omit<Failure, 'at'> | undefined) => {
    try {
      const failure = look(documentOf(message.body, message));
      if (failure !== undefined) failures.push({ at: `${at}, ${path}`, ...failure });
    } catch (error) {
      const { text } = describeError(error);
      failures.push({ at: `${at}, ${path}`, expected: 'a value', actual: text });
    }
  };
  const line = (path: string): string | undefined => lineOf(message.body, path);
  for (const [path, { value }] of fields ?? []) {
    judge(path, (document) => {
      const [expected, actual] = [value.join(' | '), valuesAt(document, path, value.length)];
      return expected === actual ? undefined : { expected, actual, line: line(path) };
    });
  }
  for (const path of present ?? []) {
    judge(path, (document) =>
      document.has(path)
        ? undefined
        : { expected: 'something', actual: 'nothing', line: line(path) },
    );
  }
  for (const path of absent ?? []) {
    judge(path, (document) =>
      document.has(path)
        ? { expected: 'nothing', actual: 'something', line: line(path) }
        : undefined,
    );
  }
  return failures;
}

/** One value is the first at the path; several are all there are. */
function valuesAt(document: Document, path: string, count: number): string {
  return count === 1 ? document.get(path) : document.all(path).join(' | ');
}

/** The HL7 segment of a path, as it stands in the message; undefined for other kinds. */
function lineOf(body: Uint8Array, path: string): string | undefined {
  if (hl7Header(body).kind !== 'message') return undefined;
  const [, segment = '', index = '1'] = /^(\w{3})(?:\[(\d+)\])?/.exec(path) ?? [];
  const lines = Buffer.from(body)
    .toString('utf8')
    .split(/[\r\n]+/)
    .filter((line) => line.startsWith(segment));
  return segment === '' ? undefined : lines[Number(index) - 1];
}

interface Difference {
  /** From 1. */
  readonly line: number;
  readonly expected: string;
  readonly actual: string;
}

function firstDifference(expected: string, actual: string): Difference | undefined {
  const [wanted, got] = [expected.split(/\r\n|\r|\n/), actual.split(/\r\n|\r|\n/)];
  const index = Array.from({ length: Math.max(wanted.length, got.length) }).findIndex(
    (_, at) => wanted[at] !== got[at],
  );
  if (index !== -1) {
    return {
      line: index + 1,
      expected: wanted[index] ?? 'the end',
      actual: got[index] ?? 'the end',
    };
  }
  return expected === actual
    ? undefined
    : { line: 1, expected: 'the same line ends', actual: 'other line ends' };
}
