import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { describeReport } from '../../src/definition/case/report.ts';
import { describeProblem } from '../../src/definition/problem.ts';
import { testProduction } from '../../src/definition/test-production.ts';
import { importIris } from '../../src/import/iris/import-iris.ts';
import { type ImportedProduction, writeProduction } from '../../src/import/production-files.ts';
import { OPTIONS } from './imported.ts';

/** What exports of classes become. */
export const importedFrom = (...texts: readonly string[]): ImportedProduction =>
  importIris(
    texts.map((text, index) => ({ name: `${index}.cls`, text })),
    'hub',
  );

/** What needs manual work. */
export const marksOf = ({ report }: ImportedProduction): string[] =>
  report.lines
    .filter(({ kind }) => kind === 'mark')
    .map(({ channel, text }) => `${channel}: ${text}`);

export const item = (
  name: string,
  className: string,
  settings: Readonly<Record<string, string>> = {},
  more = '',
): string =>
  `<Item Name="${name}" ClassName="${className}" Enabled="true" ${more}>${Object.entries(settings)
    .map(([key, value]) => `<Setting Target="Host" Name="${key}">${value}</Setting>`)
    .join('')}</Item>`;

export const production = (...items: readonly string[]): string =>
  `Class Hub.Production Extends Ens.Production\n{\n\nXData ProductionDefinition\n{\n<Production Name="Hub.Production">${items.join('\n')}</Production>\n}\n\n}\n`;

export const data = (name: string, base: string, kind: string, xml: string): string =>
  `Class ${name} Extends ${base}\n{\n\nXData ${kind}\n{\n${xml}\n}\n\n}\n`;

export const ROUTER = item('Router', 'EnsLib.HL7.MsgRouter.RoutingEngine', {
  BusinessRuleName: 'Hub.Rules',
});
export const LISTENER = item('In', 'EnsLib.HL7.Service.TCPService', {
  Port: '6661',
  TargetConfigNames: 'Router',
});
export const OUT = item('Out', 'EnsLib.File.PassthroughOperation', {
  FilePath: '/out',
  Filename: '%f',
});
export const RULES = data(
  'Hub.Rules',
  'Ens.Rule.Definition',
  'RuleDefinition',
  '<ruleDefinition><ruleSet><rule name="all"><when condition="1"><send transform="Hub.Made" target="Out"/><return/></when></rule></ruleSet></ruleDefinition>',
);
export const dtl = (steps: string, how: string): string =>
  data('Hub.Made', 'Ens.DataTransformDTL', 'DTL', `<transform ${how}>${steps}</transform>`);

export const HL7 = `sourceClass='EnsLib.HL7.Message' sourceDocType='2.5:ORU_R01'`;

export async function ran(
  made: ImportedProduction,
  cases: string,
  messages: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-iris-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeProduction(made, folder);
  for (const [name, text] of Object.entries(messages)) await writeFile(join(folder, name), text);
  await writeFile(join(folder, 'production.test.yaml'), cases);
  const report = await testProduction(folder, OPTIONS);
  return [...report.problems.map(describeProblem), ...describeReport(report)].join('\n');
}
