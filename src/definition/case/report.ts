import type { Place } from '../place.ts';
import type { Problem } from '../problem.ts';

/** Something that differs from what the case expects. */
export interface Failure {
  /** `ward, message 1, MSH-3`; `rules of adt-router`. */
  readonly at: string;
  readonly expected: string;
  readonly actual: string;
  /** The segment or line of the actual message that contains it. */
  readonly line?: string | undefined;
  /** The whole bodies, where a file has what is expected. */
  readonly bodies?: JudgedBodies | undefined;
}

/** A body that is not as a file says. */
export interface JudgedBodies {
  /** As the case names it, below the production's folder. */
  readonly file: string;
  /** Undefined if there is no such file. */
  readonly expected: Uint8Array | undefined;
  readonly actual: Uint8Array;
  readonly type: string;
  readonly charset: string | undefined;
}

export interface CaseReport {
  readonly name: string;
  readonly place: Place;
  readonly failures: readonly Failure[];
  /** Milliseconds. */
  readonly took: number;
}

/** What a run of `production.test.yaml` found. */
export interface TestReport {
  readonly production: string;
  /** Problems of the production and of the test file; if there is an error, no case was run. */
  readonly problems: readonly Problem[];
  readonly cases: readonly CaseReport[];
  readonly passed: number;
  readonly failed: number;
  /** Milliseconds. */
  readonly took: number;
}

/** The report for a terminal: one line for each case, and below it what differs. */
export function describeReport({ cases, passed, failed, took }: TestReport): string[] {
  const lines = cases.flatMap((one) => [
    `${one.failures.length === 0 ? '✓' : '✗'} ${one.name}`,
    ...(one.failures.length === 0 ? [] : [`    ${one.place.file}:${one.place.line}`]),
    ...one.failures.flatMap(describeFailure),
  ]);
  const count = failed === 0 ? `${passed} passed` : `${failed} failed, ${passed} passed`;
  return [...lines, `${count} in ${Math.round(took)} ms`];
}

function describeFailure({ at, expected, actual, line }: Failure): string[] {
  return [
    `    ${at}`,
    `      expected  ${expected}`,
    `      actual    ${actual}`,
    ...(line === undefined ? [] : [`      in        ${line}`]),
  ];
}

/** The report as JUnit XML, which build servers show. */
export function junitXml({ production, cases, failed, took }: TestReport): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${cases.length}" failures="${failed}" time="${seconds(took)}">`,
    `  <testsuite name="${escaped(production)}" tests="${cases.length}" failures="${failed}" time="${seconds(took)}">`,
    ...cases.flatMap((one) => [
      `    <testcase name="${escaped(one.name)}" classname="${escaped(production)}" file="${escaped(one.place.file)}" line="${one.place.line}" time="${seconds(one.took)}">`,
      ...one.failures.map(
        (failure) =>
          `      <failure message="${escaped(failure.at)}">${escaped(describeFailure(failure).join('\n'))}</failure>`,
      ),
      '    </testcase>',
    ]),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

const seconds = (time: number): string => (time / 1_000).toFixed(3);

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Message text may contain control characters, which XML 1.0 does not allow in any form. */
function escaped(text: string): string {
  return Array.from(text, (char) => ENTITIES[char] ?? (isXml(char) ? char : '\ufffd')).join('');
}

function isXml(char: string): boolean {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return (code < 0xd800 || code > 0xdfff) && code !== 0xfffe && code !== 0xffff;
}
