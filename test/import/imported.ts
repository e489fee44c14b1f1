import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { adapterCatalogue } from '../../adapters/index.ts';
import { describeReport } from '../../src/definition/case/report.ts';
import { describeProblem } from '../../src/definition/problem.ts';
import { readProduction } from '../../src/definition/read.ts';
import { testProduction } from '../../src/definition/test-production.ts';
import { importMirth } from '../../src/import/mirth/import-mirth.ts';
import { type ImportedProduction, writeProduction } from '../../src/import/production-files.ts';
import {
  type ChannelDraft,
  channelXml,
  fileWriter,
  mllpListener,
  mllpSender,
} from './mirth-export.ts';

const ADT =
  'MSH|^~\\&|EPIC|MAIN|HUB|MAIN|20260115083000||ADT^A01|A1|P|2.5\nPID|1||123^^^MAIN~456^^^OLD||DOE^JOHN||19800102|M\nOBX|1|NM|GLU||7\nOBX|2|NM|NA||140\n';

export const WARD = { name: 'Ward', transport: 'TCP Sender', properties: mllpSender() } as const;
export const FILE = {
  name: 'File',
  transport: 'File Writer',
  properties: fileWriter('out.txt'),
} as const;

export function channel(draft: Partial<ChannelDraft>): string {
  return channelXml({
    name: 'ADT In',
    transport: 'TCP Listener',
    properties: mllpListener(6661),
    destinations: [WARD],
    ...draft,
  });
}

export const imported = (...files: readonly string[]): ImportedProduction =>
  importMirth(
    files.map((text, index) => ({ name: `channel-${index}.xml`, text })),
    'from-mirth',
  );

export async function written(production: ImportedProduction): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-import-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeProduction(production, folder);
  return folder;
}

/** How what was imported is read. */
export const OPTIONS = {
  adapters: adapterCatalogue,
  overlays: [],
  secrets: (): undefined => undefined,
};

export async function problemsOf(production: ImportedProduction): Promise<string[]> {
  const folder = await written(production);
  const { problems } = await readProduction(folder, { ...OPTIONS, assume: true });
  return problems.map(describeProblem);
}

/** Runs cases against what a channel became, by the engine's own routing. */
export async function cases(
  production: ImportedProduction,
  text: string,
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = await written(production);
  for (const [name, body] of Object.entries(files)) await writeFile(join(folder, name), body);
  await writeFile(join(folder, 'production.test.yaml'), text);
  await writeFile(join(folder, 'adt.hl7'), ADT);
  const report = await testProduction(folder, OPTIONS);
  return [...report.problems.map(describeProblem), ...describeReport(report)].join('\n');
}

export const stateOf = ({ report }: ImportedProduction): string =>
  report.channels.map(({ state }) => state).join();

export const marksOf = ({ report }: ImportedProduction): string[] =>
  report.lines
    .filter(({ kind }) => kind === 'mark')
    .map(({ place, line, text }) => `${place}:${line ?? ''} ${text}`);
