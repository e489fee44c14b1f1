import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeReport } from '../../src/definition/case/report.ts';
import { describeProblem } from '../../src/definition/problem.ts';
import { testProduction } from '../../src/definition/test-production.ts';
import { celOf } from '../../src/import/iris/cel.ts';
import { asText, type Cel } from '../../src/import/iris/cel-value.ts';
import { importIris } from '../../src/import/iris/import-iris.ts';
import { NoCounterpart, ruleExpression } from '../../src/import/iris/objectscript.ts';
import { hl7PathOf } from '../../src/import/iris/paths.ts';
import { OPTIONS, problemsOf, written } from './imported.ts';
import { importedFrom, marksOf } from './iris-export.ts';

const production = (items: string): string =>
  `Class Hub.Production Extends Ens.Production\n{\n\nXData ProductionDefinition\n{\n<Production Name="Hub.Production">\n<ActorPoolSize>2</ActorPoolSize>\n${items}\n</Production>\n}\n\n}\n`;

const item = (
  name: string,
  className: string,
  settings: Readonly<Record<string, string>> = {},
  more = '',
): string =>
  `<Item Name="${name}" ClassName="${className}" PoolSize="1" Enabled="true" ${more}>${Object.entries(
    settings,
  )
    .map(([key, value]) => `<Setting Target="Host" Name="${key}">${value}</Setting>`)
    .join('')}</Item>`;

const ROUTED = production(
  [
    item('ADT In', 'EnsLib.HL7.Service.TCPService', {
      Port: '6661',
      TargetConfigNames: 'ADT Router',
      AckMode: 'Application',
    }),
    item('ADT Router', 'EnsLib.HL7.MsgRouter.RoutingEngine', { BusinessRuleName: 'Hub.Rules' }),
    item('Ward', 'EnsLib.HL7.Operation.TCPOperation', {
      IPAddress: 'ward.example',
      Port: '2575',
      FailureTimeout: '-1',
    }),
    item('Archive', 'EnsLib.File.PassthroughOperation', {
      FilePath: '/archive',
      Filename: '%f_%Q.hl7',
    }),
  ].join('\n'),
);

const RULES = `/// Where admissions go
Class Hub.Rules Extends Ens.Rule.Definition
{

Parameter RuleAssistClass = "EnsLib.HL7.MsgRouter.RuleAssist";

XData RuleDefinition [ XMLNamespace = "http://www.intersystems.com/rule" ]
{
<ruleDefinition alias="" context="EnsLib.HL7.MsgRouter.RoutingEngine" production="Hub.Production">
<ruleSet name="" effectiveBegin="" effectiveEnd="">
<rule name="Archive" ><when condition="1"><send transform="" target="Archive"></send></when></rule>
<rule name="Admissions">
<constraint name="source" value="ADT In"></constraint>
<constraint name="docCategory" value="2.5"></constraint>
<constraint name="docName" value="ADT_A01,ADT_A04"></constraint>
<when condition="(Document.{PV1:PatientClass}=&quot;I&quot;)||(HL7.{MSH:SendingFacility.NamespaceID} StartsWith &quot;N&quot;)"><send transform="Hub.ToWard" target="Ward"></send><return></return></when>
<otherwise><delete></delete><return></return></otherwise>
</rule>
</ruleSet>
</ruleDefinition>
}

}
`;

const dtl = (
  steps: string,
  create = 'copy',
): string => `Class Hub.ToWard Extends Ens.DataTransformDTL
{

XData DTL [ XMLNamespace = "http://www.intersystems.com/dtl" ]
{
<transform sourceClass='EnsLib.HL7.Message' targetClass='EnsLib.HL7.Message' sourceDocType='2.5:ADT_A01' targetDocType='2.5:ADT_A01' create='${create}' language='objectscript' >
${steps}
</transform>
}

}
`;

const STEPS = `<annotation>names in capitals</annotation>
<assign value='"HUB"' property='target.{MSH:SendingApplication.NamespaceID}' action='set' />
<assign value='ToUpper(source.{PID:PatientName(1).FamilyName.Surname})' property='target.{PID:PatientName(1).FamilyName.Surname}' action='set' />
<assign value='Lookup("Wards",source.{PV1:AssignedPatientLocation.PointofCare},"?")' property='target.{PV1:AssignedPatientLocation.PointofCare}' action='set' />
<if condition='source.{PV1:PatientClass}="I"'><true><assign value='source.{PID:PatientIdentifierList(1).IDNumber}' property='target.{PID:PatientID.IDNumber}' action='set' /></true><false><assign value='""' property='target.{PV1:PatientClass}' action='remove' /></false></if>`;

const LUT =
  '<?xml version="1.0"?><lookupTable><entry table="Wards" key="W1">NORTH</entry><entry table="Wards" key="W,2">SO"UTH</entry></lookupTable>';

const named = (what: string): Cel => asText(JSON.stringify(what.toLowerCase()));

test('a production with rules, a DTL and a lookup table passes check and routes as it did', async () => {
  const made = importedFrom(ROUTED, RULES, dtl(STEPS), LUT);
  expect(marksOf(made)).toEqual([]);
  expect(made.report.channels.map(({ state }) => state)).toEqual([
    'complete',
    'complete',
    'complete',
    'complete',
  ]);
  expect(await problemsOf(made)).toEqual([]);
  const folder = await written(made);
  await writeFile(
    join(folder, 'in.hl7'),
    'MSH|^~\\&|EPIC|SOUTH|||20260101||ADT^A01^ADT_A01|1|P|2.5\rPID|1|9|123^^^M||Doe^Jo\rPV1|1|I|W1\r',
  );
  await writeFile(
    join(folder, 'production.test.yaml'),
    `cases:
  - name: an admission
    in: adt-in
    message: in.hl7
    expect:
      archive: { body: in.hl7 }
      ward: { fields: { MSH-3: HUB, PID-5.1: DOE, PV1-3.1: NORTH, PID-2.1: "123" } }
  - { name: an outpatient, in: adt-in, text: "MSH|^~\\\\&|EPIC|SOUTH|||1||ADT^A01^ADT_A01|2|P|2.5\\nPV1|1|O\\n", expect: { archive: 1 } }
  - { name: of the north, in: adt-in, text: "MSH|^~\\\\&|EPIC|NORTH|||1||ADT^A04^ADT_A01|3|P|2.5\\nPV1|1|O\\n", expect: { archive: 1, ward: { absent: [PV1-2] } } }
`,
  );
  const report = await testProduction(folder, OPTIONS);
  expect([...report.problems.map(describeProblem), ...describeReport(report)].join('\n')).toMatch(
    /3 passed/,
  );
});

test('settings of items become those of their adapters', () => {
  const yaml = importedFrom(ROUTED, RULES, dtl(STEPS), LUT).files.get('production.yaml') ?? '';
  expect(yaml).toMatch(
    /adt-in:\n {4}title: ADT In\n {4}adapter: mllp-in\n {4}settings:\n {6}listen: 0.0.0.0:6661\n {6}acknowledge: application\n {4}to: adt-router/,
  );
  expect(yaml).toMatch(/connect: ward.example:2575[\s\S]*retry:\n {6}every: 5s\n {6}for: forever/);
  expect(yaml).toContain(`name: '{name}_{format(now(), "yyyy-MM-dd_HH.mm.ss.SSS")}.hl7'`);
  expect(importedFrom(LUT).files.get('lookups/wards.csv')).toBe(
    'key,value\nW1,NORTH\n"W,2","SO""UTH"\n',
  );
});

test('code is a stub with its source, without secrets, and check fails until it is written', async () => {
  const made = importedFrom(
    production(
      [
        item('In', 'Hub.Service', { TargetConfigNames: 'Work' }),
        item('Work', 'Hub.Process'),
        item('Out', 'EnsLib.SAP.Operation'),
      ].join(''),
    ),
    'Class Hub.Service Extends Ens.BusinessService\n{\n\nParameter ADAPTER = "EnsLib.File.InboundAdapter";\n\nMethod OnProcessInput(in As %Stream) As %Status\n{\n  Set password = "hunter2"\n  Quit ..SendRequestAsync("Work", in)\n}\n\n}\n',
  );
  expect(marksOf(made)).toEqual([
    'In: the code of Hub.Service is not translated: write it as a process',
    'Work: Hub.Process is code: write it as a process',
    'Out: EnsLib.SAP.Operation has no adapter yet: choose one',
  ]);
  const stub = made.files.get('processes/in-code.ts') ?? '';
  expect(stub).toContain('//   Quit ..SendRequestAsync("Work", in)');
  for (const text of made.files.values()) expect(text).not.toContain('hunter2');
  expect(
    (await problemsOf(made)).filter((one) => one.includes('to be done by a person')),
  ).toHaveLength(3);
});

test('what a rule or a DTL says that has no counterpart is marked where it stands', async () => {
  const made = importedFrom(
    ROUTED,
    RULES.replace(
      '(Document.{PV1:PatientClass}=&quot;I&quot;)',
      '(Document.Source.Ward()=&quot;I&quot;)',
    ),
    dtl(
      `<assign value='##class(Hub.Util).Now()' property='target.{MSH:DateTimeOfMessage.Time}' action='set' /><foreach property='source.{OBX(2).NTE()}' key='k1'></foreach>`,
    ),
  );
  expect(marksOf(made)).toEqual([
    'Hub.ToWard: an assignment calls ##class(Hub.Util).Now',
    'Hub.ToWard: a loop goes over source.{OBX(2).NTE()}: write it',
    'ADT Router: its transform Hub.ToWard has places to be done',
    'ADT Router: its condition calls Document.Source.Ward: write it in CEL',
  ]);
  expect((await problemsOf(made)).filter((one) => one.includes('UNDONE')).length).toBeGreaterThan(
    0,
  );
});

test('an export of Studio is read as its source files are', () => {
  const rules = /\{\n(<ruleDefinition[\s\S]*<\/ruleDefinition>)/.exec(RULES)?.[1] ?? '';
  const xml = `<?xml version="1.0" encoding="UTF-8"?><Export generator="IRIS"><Class name="Hub.Rules"><Super>Ens.Rule.Definition</Super><XData name="RuleDefinition"><Data><![CDATA[${rules}]]></Data></XData></Class></Export>`;
  const made = importedFrom(ROUTED, xml, dtl(STEPS), LUT);
  expect(made.files.get('production.yaml')).toBe(
    importedFrom(ROUTED, RULES, dtl(STEPS), LUT).files.get('production.yaml'),
  );
  expect(importedFrom('<Export><Class').report.lines).toMatchObject([
    { category: 'files that cannot be read' },
  ]);
});

test.each([
  ['PIDgrp.PID:PatientName(1).FamilyName', '2.5', 'PID-5[1].1'],
  ['PIDgrpgrp(1).ORCgrp(1).OBX(3):ObservationIdentifier.Identifier', '2.5', 'OBX[3]-3.1'],
  ['PIDgrpgrp(1).ORCgrp(2).OBX(3):ObservationIdentifier.Identifier', '2.5', undefined],
  ['MSH:9.1', '2.3.1', 'MSH-9.1'],
  ['PV1', '2.5', 'PV1'],
  ['OBX(k1):SetID', '2.5', undefined],
  ['PID:NoSuchField', '2.5', undefined],
])('the path %s of %s is %s', (given, category, expected) => {
  expect(hl7PathOf(given, category)).toBe(expected);
});

test.each([
  ['A="x" && !(B\'="y")', '"a" == "x" && !("b" != "y")'],
  ['Contains(A,"x") or B Contains "y"', '"a".contains("x") || "b".contains("y")'],
  ['ToUpper(A)_"-"_Piece(B,"^",2)', 'upper("a") + "-" + piece("b", "^", 2)'],
  ['A=1', '"a" == "1"'],
  ['A>1', 'number(firstMatch("a", "^ *[-+]?[0-9]*[.]?[0-9]+"), 0.0) > 1.0'],
  ['Length(A)>=2', 'size("a") >= 2'],
  ['Translate(A,"bc","📄d")', 'replace(replace("a", "b", "📄"), "c", "d")'],
])('%s is %s', (given, expected) => {
  expect(celOf(ruleExpression(given), named).text).toBe(expected);
});

test.each(['A*B', '$ZDATE(A)', 'A=', '(A', 'A B'])('%s has no counterpart', (given) => {
  expect(() => celOf(ruleExpression(given), asText)).toThrow(NoCounterpart);
});

test('what is switched off in a DTL or a rule is not done', () => {
  const off = STEPS.replace(`<assign value='"HUB"'`, `<assign disabled='1' value='"HUB"'`).replace(
    '<if condition',
    "<group name='all'><if disabled='1' condition",
  );
  const rules = RULES.replace(
    '<when condition="1"><send transform="" target="Archive">',
    '<when condition="1"><send disabled="true" transform="" target="Archive">',
  );
  const made = importedFrom(ROUTED, rules, dtl(`${off}</group>`), LUT);
  expect(marksOf(made)).toEqual([]);
  const transform = made.files.get('transforms/hub-to-ward.yaml');
  expect(transform).not.toMatch(/HUB|PV1-2/);
  expect(transform).toContain('upper(');
  expect(made.files.get('production.yaml')).toMatch(/name: Archive\n\s+send: \[\]/);
});

test.each([
  ['source.{PV1:PatientClass}="I" && source.{PV1:PatientClass}="O"', false],
  ['(source.{PV1:PatientClass}="I") && (source.{PV1:PatientClass}="O")', true],
  ['source.{PV1:PatientClass}="I"_"O"', false],
  ['source.{PV1:PatientClass}_"x"="Ix"', true],
  ['ToUpper(source.{PV1:PatientClass})="I"', true],
  ['(source.{PV1:PatientClass}="I") || (source.{PV1:PatientClass}="O") && 1', false],
])('ObjectScript reads %s from left to right', (condition, isTranslated) => {
  const escaped = condition.replaceAll('&', '&amp;');
  const step = `<if condition='${escaped}'><true><assign value='"X"' property='target.{PV1:PatientClass}' action='set' /></true></if>`;
  const said = marksOf(importedFrom(ROUTED, RULES, dtl(step), LUT)).join();
  expect(said).toMatch(isTranslated ? /^$/ : /mixes operators without parentheses/);
});

test('nothing of an export is missing without a line in the report', async () => {
  const other = production(
    item('Ward', 'EnsLib.HL7.Operation.TCPOperation', {
      IPAddress: 'other.example',
      Port: '2576',
      SearchTableClass: 'EnsLib.HL7.SearchTable',
    }),
  ).replaceAll('Hub.Production', 'Other.Production');
  const map =
    'Class Hub.Map Extends EnsLib.RecordMap.RecordMap\n{\n\nXData RecordMap\n{\n<Record/>\n}\n\n}\n';
  const made = importIris(
    [ROUTED, RULES, dtl(STEPS), LUT, other, map, 'no class', dtl(STEPS)].map((text, index) => ({
      name: `${index}.cls`,
      text,
    })),
    'hub',
  );
  const report = made.files.get('import-report.md') ?? '';
  for (const said of [
    'Hub.Production, Other.Production are one production now',
    '| Hub.Map | 5.cls |  | a record map that no item here uses is not imported',
    'SearchTableClass',
    'there is neither a class, an export nor a lookup table in it',
    'Hub.ToWard is also in 2.cls',
  ])
    expect(report).toContain(said);
  // both operations of one name
  expect(made.files.get('production.yaml')).toMatch(/ward\.example:2575[\s\S]*other\.example:2576/);
});

test('separators of two characters and lines around the records of a batch are places to be done', () => {
  const batch = `Class Hub.Visits.Batch Extends (%Persistent, EnsLib.RecordMap.SimpleBatch)
{

Parameter BatchHeader = "MRN, Born";

Parameter BatchTrailer;

}
`;
  const made = importedFrom(
    production(
      item('Visits In', 'EnsLib.RecordMap.Service.BatchFileService', {
        FilePath: '/in',
        RecordMap: 'Hub.Visits',
      }),
    ),
    batch,
    `Class Hub.Visits Extends EnsLib.RecordMap.RecordMap\n{\n\nXData RecordMap\n{\n<Record name="Hub.Visits" type="delimited" batchClass="Hub.Visits.Batch" targetClassname="Hub.Visits.Record"><Separators><Separator>, </Separator></Separators><Field name="MRN"/></Record>\n}\n\n}\n`,
  );
  const marks = marksOf(made).join('\n');
  expect(marks).toContain('its fields are separated by ", "');
  expect(marks).toContain('the first line of a file is BatchHeader');
  expect(marks).not.toContain('BatchTrailer');
});
