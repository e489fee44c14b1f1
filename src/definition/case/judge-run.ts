import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Document } from '../../document/document.ts';
import { documentOf, hl7Header } from '../../document/index.ts';
import { describeError } from '../../error/engine-error.ts';
import { isSystemError } from '../../error/foreseen.ts';
import type { ExpectedMessage, ExpectedMessages, TestCase } from '../grammar/test-form.ts';
import { withSegmentEnds } from './message-of.ts';
import type { Failure } from './report.ts';
import type { MessageRun, ProcessRun, SentMessage } from './run-message.ts';

/** Compares what happened to a message with what its case expects. */
export async function judgeRun(
  given: TestCase,
  run: MessageRun,
  folder: string,
): Promise<Failure[]> {
  return [
    ...judgeSuspended(given, run),
    ...(await judgeSent(given, run, folder)),
    ...judgeRules(given, run),
    ...judgeDiscarded(given, run),
    ...(await judgeReply(given, run, folder)),
  ];
}

async function judgeSent(
  { expect, others }: TestCase,
  { sent }: MessageRun,
  folder: string,
): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const [target, { value }] of expect ?? []) {
    const got = sent.filter(({ to }) => to === target);
    failures.push(...(await judgeTarget(target, value, { got, folder })));
  }
  if (others === 'any') return failures;
  const unexpected = sent.filter(({ to }) => expect?.has(to) !== true);
  for (const target of new Set(unexpected.map(({ to }) => to))) {
    const count = unexpected.filter(({ to }) => to === target);
    failures.push({ at: target, expected: 'no message', actual: countText(count) });
  }
  return failures;
}

async function judgeTarget(
  target: string,
  expected: ExpectedMessages,
  { got, folder }: { readonly got: readonly SentMessage[]; readonly folder: string },
): Promise<Failure[]> {
  const each =
    typeof expected === 'number'
      ? undefined
      : expected.flatMap((one) => Array.from({ length: one.times ?? 1 }, () => one));
  const count = typeof expected === 'number' ? expected : (each?.length ?? 0);
  if (count !== got.length) {
    const wanted = count === 1 ? '1 message' : `${count} messages`;
    return [{ at: target, expected: wanted, actual: countText(got) }];
  }
  if (each === undefined) return [];
  const failures = await Promise.all(
    each.map(async (one, index) => {
      const message = got[index];
      const at = each.length === 1 ? target : `${target}, message ${index + 1}`;
      return message === undefined ? [] : judgeMessage(one, message, { at, folder });
    }),
  );
  return failures.flat();
}

/** How many messages are listed by type. */
const SHOWN = 5;

function countText(messages: readonly SentMessage[]): string {
  if (messages.length === 0) return 'no message';
  const shown = messages.slice(0, SHOWN).map(({ type }) => type);
  const types = [...shown, ...(messages.length > SHOWN ? ['…'] : [])].join(', ');
  return `${messages.length} ${messages.length === 1 ? 'message' : 'messages'} (${types})`;
}

function judgeRules({ rules }: TestCase, { processes }: MessageRun): Failure[] {
  return [...(rules ?? [])].flatMap(([process, { value }]) => {
    const runs = processes.filter((run) => run.process === process);
    const fired = runs.flatMap(firedRules);
    const [expected, actual] = [value.join(', '), fired.join(', ')];
    if (expected === actual) return [];
    const none = runs.length === 0 ? 'the message did not get there' : 'none';
    return [{ at: `rules of ${process}`, expected: expected || 'none', actual: actual || none }];
  });
}

function firedRules({ explain }: ProcessRun): string[] {
  const rules = explain?.rules ?? [];
  return rules.filter(({ result }) => result === 'fired').map(({ rule }) => rule);
}

function judgeDiscarded({ discarded }: TestCase, { processes }: MessageRun): Failure[] {
  return (discarded ?? []).flatMap((process) => {
    const runs = processes.filter((run) => run.process === process);
    if (runs.some(({ status }) => status === 'discarded')) return [];
    return [{ at: process, expected: 'discarded', actual: statusText(runs) }];
  });
}

function statusText(runs: readonly ProcessRun[]): string {
  if (runs.length === 0) return 'the message did not get there';
  return runs
    .map(({ status, error, thrown }) =>
      [status, error?.text, thrown].filter((part) => part !== undefined).join(': '),
    )
    .join(', ');
}

/** A process that suspends without being expected to is a failure in every case. */
function judgeSuspended({ suspended }: TestCase, { processes }: MessageRun): Failure[] {
  const failures: Failure[] = [];
  for (const [process, { value: reason }] of suspended ?? []) {
    const runs = processes.filter((run) => run.process === process);
    const fits = runs.some(
      ({ status, error }) => status === 'suspended' && (error?.text ?? '').includes(reason),
    );
    const expected = reason === '' ? 'suspended' : `suspended: … ${reason} …`;
    if (!fits) failures.push({ at: process, expected, actual: statusText(runs) });
  }
  for (const run of processes) {
    if (run.status !== 'suspended' || suspended?.has(run.process) === true) continue;
    failures.push({ at: run.process, expected: 'not suspended', actual: statusText([run]) });
  }
  return failures;
}

async function judgeReply(
  { reply: expected }: TestCase,
  { reply }: MessageRun,
  folder: string,
): Promise<Failure[]> {
  if (expected === undefined) return [];
  if (reply === undefined) return [{ at: 'reply', expected: 'a reply', actual: 'none' }];
  const failures: Failure[] = [];
  if (expected.code !== undefined && expected.code !== reply.code) {
    failures.push({ at: 'reply, code', expected: expected.code, actual: reply.code ?? 'none' });
  }
  const wanted = {
    type: expected.type,
    fields: expected.fields,
    body: expected.body,
    name: undefined,
    present: undefined,
    absent: undefined,
    contains: undefined,
  };
  const message = { to: 'reply', type: reply.type, name: undefined, charset: undefined };
  const found = await judgeMessage(
    wanted,
    { ...message, body: reply.body },
    { at: 'reply', folder },
  );
  return [...failures, ...found];
}

/** Compares one message with what is expected of it, value by value. */
async function judgeMessage(
  expected: ExpectedMessage,
  message: SentMessage,
  { at, folder }: { readonly at: string; readonly folder: string },
): Promise<Failure[]> {
  const failures = [...judgeWhole(expected, message, at), ...judgeFields(expected, message, at)];
  if (expected.body === undefined) return failures;
  const judged = await judgeBody(expected.body, message, { at, folder });
  return judged === undefined ? failures : [...failures, judged];
}

async function judgeBody(
  file: string,
  message: SentMessage,
  { at, folder }: { readonly at: string; readonly folder: string },
): Promise<Failure | undefined> {
  const { body: actual, type, charset } = message;
  const read = await readFile(resolve(folder, file)).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (read === undefined) {
    const bodies = { file, expected: undefined, actual, type, charset };
    const missing = 'there is no such file; waybill test --update writes it';
    return { at: `${at}, body`, expected: file, actual: missing, bodies };
  }
  const wanted = withSegmentEnds(read);
  const difference = firstDifference(wanted.toString('utf8'), textOf(message));
  if (difference === undefined) return undefined;
  const { line, ...texts } = difference;
  const bodies = { file, expected: wanted, actual, type, charset };
  return { at: `${at}, body, line ${line}`, ...texts, bodies };
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
    failures.push({
      at,
      expected: `… ${part} …`,
      actual: `${text.length} characters without this text`,
    });
  }
  return failures;
}

const short = (type: string): string => type.replace(/^(?:HL7v2|X12|EDIFACT):/, '');

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

/** A single value is the first one at the path; a list is all of them. */
function valuesAt(document: Document, path: string, count: number): string {
  return count === 1 ? document.get(path) : document.all(path).join(' | ');
}

/** The HL7 segment of a path, as it is in the message; undefined for other kinds. */
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
    : { line: 1, expected: 'the same line ends', actual: 'different line ends' };
}
