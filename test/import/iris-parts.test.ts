import { expect, test } from 'vitest';
import { scheduleOf } from '../../src/import/iris/item-keys.ts';
import { repliesOf } from '../../src/import/iris/reply-actions.ts';
import {
  data,
  dtl,
  HL7,
  importedFrom,
  item,
  LISTENER,
  marksOf,
  OUT,
  production,
  ROUTER,
  RULES,
  ran,
} from './iris-export.ts';

/** Record maps, transforms with loops and variables, and BPL processes, run with messages. */

const ORU =
  'MSH|^~\\&|LAB|N|H|S|20260101||ORU^R01^ORU_R01|1|P|2.5\rPID|1||123^^^M~456^^^W||Doe^Jo\rOBR|1||O1|CHEM\rOBX|1|NM|GLU||5.1\rOBX|2|NM|NA||140\rOBR|2||O2|HAEM\rOBX|1|NM|HB||9\r';

test('loops, conditions, variables and functions of a DTL make JSON of HL7', async () => {
  const steps = `<annotation>whose it is</annotation><assign value='source.{PIDgrpgrp(1).PIDgrp.PID:PatientName.FamilyName.Surname}' property='target.Name' action='set'/>
<assign value='..ToUpper(source.{MSH:3})' property='tSender' action='set'/>
<if condition='tSender="LAB"'><true><assign value='"laboratory"' property='tSender' action='set'/></true></if>
<assign value='tSender_":"_$PIECE(source.{MSH:9},"^",2)' property='target.Sender' action='set'/>
<foreach property='source.{PIDgrpgrp()}' key='k1'><foreach property='source.{PIDgrpgrp(k1).ORCgrp()}' key='k2'>
<assign value='source.{PIDgrpgrp(k1).ORCgrp(k2).OBR:FillerOrderNumber.EntityIdentifier}' property='target.Orders.(k2).Number' action='set'/>
<foreach property='source.{PIDgrpgrp(k1).ORCgrp(k2).OBXgrp()}' key='k3'>
<switch><case condition='source.{PIDgrpgrp(k1).ORCgrp(k2).OBXgrp(k3).OBX:ObservationValue}&gt;100'><assign value='"high"' property='target.Orders.(k2).Results.(k3).Flag' action='set'/></case>
<default><assign value='source.{PIDgrpgrp(k1).ORCgrp(k2).OBXgrp(k3).OBX:5}_"!"' property='target.Orders.(k2).Results.(k3).Flag' action='set'/></default></switch>
</foreach></foreach></foreach>
<trace value='"done"'/><code><![CDATA[ Set target.Ward = $SELECT(source.{MSH:4}="N":"North",1:"other")
 set target.Kind = ..Lookup("Kinds","CHEM","?") ]]></code>`;
  const made = importedFrom(
    production(LISTENER, ROUTER, OUT),
    RULES,
    dtl(steps, `${HL7} targetClass='Hub.Report' create='new'`),
    '<lookupTable><entry table="Kinds" key="CHEM">chemistry</entry></lookupTable>',
  );
  expect(marksOf(made)).toEqual([]);
  const result = await ran(
    made,
    `cases:
  - name: a report
    message: oru.hl7
    expect:
      out:
        fields:
          { /Name: Doe, /Sender: "laboratory:R01", /Ward: North, /Kind: chemistry, /Orders/0/Number: O1, /Orders/1/Number: O2,
            /Orders/0/Results/0/Flag: "5.1!", /Orders/0/Results/1/Flag: high, /Orders/1/Results/0/Flag: "9!" }
        absent: [/Orders/2, /Orders/1/Results/1]
`,
    { 'oru.hl7': ORU },
  );
  expect(result).toMatch(/1 passed/);
});

test('segments, repetitions and sub-transforms of a DTL make HL7', async () => {
  const sub = data(
    'Hub.Sub',
    'Ens.DataTransformDTL',
    'DTL',
    `<transform sourceClass='EnsLib.HL7.Segment' targetClass='EnsLib.HL7.Segment' sourceDocType='2.5:PID' targetDocType='2.5:PID' create='new'><assign value='source.{PatientName}' property='target.{PatientName}' action='set'/><assign value='"SUB"' property='target.{2}' action='set'/></transform>`,
  );
  const steps = `<assign value='source.{MSH}' property='target.{MSH}' action='set'/>
<subtransform class='Hub.Sub' sourceObj='source.{PIDgrpgrp(1).PIDgrp.PID}' targetObj='target.{PIDgrpgrp(1).PIDgrp.PID}'/>
<assign value='source.{PIDgrpgrp(1).ORCgrp(1).OBXgrp(1).OBX:5}' property='target.{PIDgrpgrp(1).PIDgrp.PID:23}' action='set'/>
<foreach property='source.{PIDgrpgrp(1).PIDgrp.PID:PatientIdentifierList()}' key='k1'><if condition='source.{PIDgrpgrp(1).PIDgrp.PID:PatientIdentifierList(k1).AssigningAuthority}="W"'><true><assign value='source.{PIDgrpgrp(1).PIDgrp.PID:PatientIdentifierList(k1).IDNumber}' property='target.{PIDgrpgrp(1).PIDgrp.PID:PatientAccountNumber.IDNumber}' action='set'/></true></if></foreach>
<foreach property='source.{PIDgrpgrp(1).ORCgrp(1).OBXgrp()}' key='k2'><assign value='source.{PIDgrpgrp(1).ORCgrp(1).OBXgrp(k2).OBX}' property='target.{PIDgrpgrp(1).ORCgrp(1).OBXgrp(k2).OBX}' action='set'/><assign value='"F"' property='target.{PIDgrpgrp(1).ORCgrp(1).OBXgrp(k2).OBX:ObservationResultStatus}' action='set'/></foreach>`;
  const made = importedFrom(
    production(LISTENER, ROUTER, OUT),
    RULES,
    sub,
    dtl(steps, `${HL7} targetClass='EnsLib.HL7.Message' targetDocType='2.5:ORU_R01' create='new'`),
  );
  expect(marksOf(made)).toEqual([]);
  const result = await ran(
    made,
    `cases:
  - name: a report
    message: oru.hl7
    expect: { out: { fields: { MSH-3: LAB, MSH-9: ORU^R30^ORU_R01, MSH-15: AL, MSH-18: UNICODE UTF-8, PID-2: SUB, PID-5: "Doe^Jo", PID-18.1: "456", PID-23: "5.1", "OBX[1]-5": "5.1", "OBX[1]-11": F, "OBX[2]-5": "140", "OBX[3]-5": "" } } }
`,
    { 'oru.hl7': ORU.replace('R01^ORU', 'R30^ORU').replace('|2.5', '|2.5|||AL|||UNICODE UTF-8') },
  );
  expect(result).toMatch(/1 passed/);
});

const MAP = data(
  'Hub.Visits',
  'EnsLib.RecordMap.RecordMap',
  'RecordMap',
  `<Record name="Hub.Visits" type="delimited" char_encoding="UTF-8" targetClassname="Hub.Visits.Record" recordTerminator="\\x0d\\x0a"><Separators><Separator>;</Separator><Separator>^</Separator></Separators><Field name="MRN" required="1" datatype="%String"/><Field name="Born" datatype="%Date" params="FORMAT=4"/><Composite name="Name"><Field name="Last"/><Field name="First"/></Composite><Field name="Cost" datatype="%Numeric"/></Record>`,
);

test('a file of records is read, each record is transformed, and written by another map', async () => {
  const write = data(
    'Hub.Bills',
    'EnsLib.RecordMap.RecordMap',
    'RecordMap',
    '<Record name="Hub.Bills" type="fixedwidth" label="BIL" targetClassname="Hub.Bills.Record" recordTerminator="\\x0a"><Field name="Who" width="6" datatype="%String"/><Field name="Name" width="8" datatype="%String"/></Record>',
  );
  const made = importedFrom(
    production(
      item('Visits In', 'EnsLib.RecordMap.Service.FileService', {
        FilePath: '/in',
        RecordMap: 'Hub.Visits',
        TargetConfigNames: 'Router',
      }),
      item('Router', 'EnsLib.MsgRouter.RoutingEngine', { BusinessRuleName: 'Hub.Rules' }),
      item('Out', 'EnsLib.RecordMap.Operation.FileOperation', {
        FilePath: '/out',
        Filename: '%f',
        RecordMap: 'Hub.Bills',
      }),
    ),
    RULES,
    MAP,
    write,
    dtl(
      `<assign value='source.MRN' property='target.Who' action='set'/><assign value='source.First_" "_source.Last' property='target.Name' action='set'/>`,
      `sourceClass='Hub.Visits.Record' targetClass='Hub.Bills.Record' create='new'`,
    ),
  );
  expect(marksOf(made)).toEqual([]);
  expect(made.files.get('records/hub-visits.yaml')).toMatch(
    /delimiter: ;\nlineEnd: crlf[\s\S]*format: dd\/MM\/yyyy/,
  );
  const result = await ran(
    made,
    `cases:
  - { name: visits, in: visits-in, text: "7;01/02/1970;Doe^Jo;1.5\\r\\n8;;Roe^Al;2\\r\\n", type: text/plain, label: visits.txt, expect: { out-records: [{ contains: "BIL7     Jo Doe" }, { contains: "BIL8     Al Roe" }] } }
`,
  );
  expect(result).toMatch(/1 passed/);
});

test('a BPL process becomes a process in code that calls, decides, transforms and alerts as it did', async () => {
  const bpl = data(
    'Hub.Process',
    'Ens.BusinessProcessBPL',
    'BPL',
    `<process language='objectscript' request='Hub.Order' response='Hub.Answer' height='2000' width='2000'>
<context><property name='Rate' type='%Numeric'/><property name='Seen' type='%String' collection='list'/><property name='Letter' type='Hub.Letter'/></context>
<sequence xend='200' yend='350'>
<call name='Ask' target='Registry' async='0' timeout='10'><annotation>what it costs</annotation><request type='Hub.Question'><assign property='callrequest.Id' value='request.Id' action='set'/></request><response type='Hub.Reply'><assign property='context.Rate' value='callresponse.Rate' action='set'/></response></call>
<call name='A' target='Registry' async='1'><request type='Hub.Question'><assign property='callrequest.Id' value='"A"' action='set'/></request><response type='Hub.Reply'><assign property='context.Seen' value='callresponse.Name' action='append'/></response></call>
<call name='B' target='Registry' async='1'><request type='Hub.Question'><assign property='callrequest.Id' value='"B"' action='set'/></request><response type='Hub.Reply'><assign property='context.Seen' value='callresponse.Name' action='append'/></response></call>
<sync name='Both' calls='A,B' type='all'/>
<if name='Dear?' condition='(context.Rate&gt;10)&amp;&amp;(context.Seen.Count()=2)'><true><alert value='"dear: "_context.Rate'/></true><false><assign property='response.Fault' value='"cheap"' action='set'/></false></if>
<transform class='Hub.Made' source='request' target='context.Letter'/>
<call name='Send' target='Out' async='1'><request type='Hub.Letter'><assign property='callrequest' value='context.Letter' action='set'/></request><response type='Ens.Response'/></call>
<assign property='response.Note' value='..ReplaceStr("a.b",".","$&amp;")_..Lookup("Kinds","","?")_..Lookup("Kinds","x","?")' action='set'/><assign property='response.Total' value='(context.Rate*2)_"/"_context.Seen.GetAt(2)' action='set'/>
</sequence></process>`,
  );
  const made = importedFrom(
    production(
      item('In', 'EnsLib.File.PassthroughService', { FilePath: '/in', TargetConfigNames: 'Work' }),
      item('Work', 'Hub.Process'),
      item('Registry', 'EnsLib.HTTP.GenericOperation', { HTTPServer: 'registry.example' }),
      OUT,
      item('Ens.Alert', 'EnsLib.EMail.AlertOperation', {
        SMTPServer: 'mail.example',
        Recipient: 'it@hospital.example',
      }),
    ),
    bpl,
    dtl(
      `<assign value='source.Id' property='target.For' action='set'/>`,
      `sourceClass='Hub.Order' targetClass='Hub.Letter' create='new'`,
    ),
    '<lookupTable><entry table="Kinds" key="CHEM">chemistry</entry></lookupTable>',
  );
  expect(marksOf(made)).toEqual([]);
  const result = await ran(
    made,
    `cases:
  - name: a dear order
    text: '{"Id":"7"}'
    type: application/json
    calls: { registry: [{ content: '{"Rate":12}' }, { content: '{"Name":"a"}' }, { content: '{"Name":"b"}' }] }
    expect:
      registry: [{ fields: { /Id: "7" } }, { fields: { /Id: A } }, { fields: { /Id: B } }]
      ens-alert: { contains: "dear: 12" }
      out: { fields: { /For: "7" } }
    reply: { fields: { /Total: 24/b, /Note: "a$&b?" } }
`,
  );
  expect(result).toMatch(/1 passed/);
});

test('what BPL does that has no counterpart stands as a comment where it was, and check fails', () => {
  const bpl = data(
    'Hub.Process',
    'Ens.BusinessProcessBPL',
    'BPL',
    `<process request='Ens.StringRequest' response='Ens.Response'><sequence><code name='Own'><![CDATA[ Set ^Seen($H)=1
 Set tPassword="hunter2" ]]></code><call name='Nobody' target='Nowhere' async='0'><request type='X'/></call><sql><![CDATA[ DELETE FROM Old ]]></sql><delay duration='"PT20S"'/></sequence></process>`,
  );
  const made = importedFrom(
    production(
      item('In', 'EnsLib.File.PassthroughService', { FilePath: '/in', TargetConfigNames: 'Work' }),
      item('Work', 'Hub.Process'),
    ),
    bpl,
  );
  expect(marksOf(made)).toEqual([
    'Work: Own: the step code has no counterpart',
    'Work: Nobody: calls Nowhere, which is no item of the production',
    'Work: the step sql has no counterpart',
  ]);
  const module = made.files.get('processes/work.ts') ?? '';
  expect(module).toMatch(
    /throw new Error\("to be done by a person: code Own[\s\S]*\/\/ {1,3}Set \^Seen\(\$H\)=1[\s\S]*engine\.sleep\('20s'\)/,
  );
  expect(module).not.toContain('hunter2');
});

test('schedules, alerts, partners, categories and system default settings are those of hosts', () => {
  const defaults =
    '<Export><Document name="Ens.Config.DefaultSettings.esd"><defaultSettings><item production="*" item="*" class="EnsLib.HL7.Service.TCPService" setting="Port" value="7000"/><item production="Hub.Production" item="In" class="*" setting="Port" value="7001"/><item production="*" item="Nobody" class="*" setting="Port" value="1"/></defaultSettings></Document></Export>';
  const made = importedFrom(
    production(
      item(
        'In',
        'EnsLib.HL7.Service.TCPService',
        {
          TargetConfigNames: 'Out',
          AlertOnError: '1',
          AlertGracePeriod: '60',
          InactivityTimeout: '600',
          BusinessPartner: 'Ward',
        },
        'Category="ADT,North" Schedule="START:WEEK-*-01T06:30:00,STOP:WEEK-*-05T20:00:00"',
      ),
      item('Out', 'EnsLib.HL7.Operation.TCPOperation', {
        IPAddress: 'ward.example',
        Port: '2575',
        QueueCountAlert: '50',
        ReplyCodeActions: ':?R=RF,:?E=S,:~=S,:?A=C,:*=S,:I?=W,:T?=C',
      }),
    ),
    defaults,
  );
  const yaml = made.files.get('production.yaml') ?? '';
  expect(yaml).toContain(`schedule: mon 06:30-24:00, tue-thu 00:00-24:00, fri 00:00-20:00`);
  expect(yaml).toMatch(/comment: "Business partner: Ward"\n {4}tags:\n {6}- ADT\n {6}- North/);
  expect(yaml).toMatch(/alert:\n {6}failed: 0\n {6}disconnected: 60s\n {6}silent: 600s/);
  expect(yaml).toMatch(/listen: 0.0.0.0:7001/);
  expect(yaml).toMatch(/alert:\n {6}queue: 50/);
  expect(yaml).toMatch(/replies:\n {6}reject:\n {8}- retry\n {8}- fail\n {6}error: suspend/);
  expect(
    made.report.lines
      .filter(({ category }) => category === 'default settings')
      .map(({ kind }) => kind),
  ).toEqual(['look', 'made', 'look']);
  expect(scheduleOf('START:*-*-*T06:00:00,STOP:*-*-*T20:00:00')).toBe('daily 06:00-20:00');
  expect(scheduleOf('START:*-*-01T06:00:00,STOP:*-*-02T06:00:00')).toBe('UNDONE');
  expect(scheduleOf('@office')).toBe('UNDONE');
  expect(repliesOf('E#6301=R,E*ErrGeneral=R')).toBeUndefined();
});

/** What has parts of every kind. */
const WHOLE = [
  production(
    LISTENER,
    ROUTER,
    OUT,
    item('Work', 'Hub.Process'),
    item('Visits', 'EnsLib.RecordMap.Service.FileService', {
      RecordMap: 'Hub.Visits',
      TargetConfigNames: 'Work',
    }),
  ),
  RULES,
  MAP,
  dtl(
    `<assign value='"1"' property='target.{PID:2}' action='set'/><if condition='source.{PID:1}="1"'><true><assign value='""' property='target.{PID:3}' action='remove'/></true></if><foreach property='source.{OBX()}' key='k'><assign value='"x"' property='target.{OBX(k):4}' action='set'/></foreach>`,
    `${HL7} targetClass='EnsLib.HL7.Message' targetDocType='2.5:ORU_R01' create='copy'`,
  ),
  data(
    'Hub.Process',
    'Ens.BusinessProcessBPL',
    'BPL',
    `<process request='Hub.A' response='Hub.B'><context><property name='X' type='%String'/></context><sequence><call name='S' target='Out' async='1'><request type='Hub.A'><assign property='callrequest.A' value='1' action='set'/></request></call><switch><case condition='request.A=1'><assign property='context.X' value='1' action='set'/></case></switch></sequence></process>`,
  ),
];

test('Kafka: the cluster, its sign-in and its group are kept; topics that messages said, and stores of Java, are marked', async () => {
  const cluster = {
    Servers: 'k1:9092, k2',
    Credentials: 'kafka',
    SecurityProtocol: 'SASL_SSL',
    SASLMechanism: 'PLAIN',
    TrustStoreLocation: '/certs/trust.jks',
  };
  const made = importedFrom(
    production(
      item('In', 'EnsLib.Kafka.Service', {
        Servers: 'k1:9092',
        Topic: 'lab.results',
        GroupID: 'hub',
        TargetConfigNames: 'Out',
        ConsumerConfig: '{"auto.offset.reset": "latest", "sasl.jaas.config": "password=geheim"}',
      }),
      item('Out', 'EnsLib.Kafka.Operation', { ...cluster, ClientID: 'iris' }),
    ),
  );
  expect(marksOf(made)).toEqual([
    'Out: topic and key were properties of each message: write topic, and key if it had one',
    'Out: write tls, with the certificates from /certs/trust.jks in PEM',
  ]);
  const report = made.files.get('import-report.md') ?? '';
  expect(report).toContain('settings of its client are left out: sasl.jaas.config');
  expect(report).toContain('ClientID');
  expect([...made.files.values()].join('')).not.toContain('geheim');
  expect(await ran(made, 'cases: []')).toMatch(/UNDONE/);
  const done = [...made.files].map(([name, text]): [string, string] => [
    name,
    text.replace(/tls: .*UNDONE.*/, 'tls: {}').replace('{UNDONE}', 'out'),
  ]);
  const result = await ran(
    { ...made, files: new Map(done) },
    'cases: [{ name: a result, message: m.txt, expect: { out: {} } }]',
    { 'm.txt': 'x' },
  );
  expect(result).toMatch(/1 passed/);
  expect(made.files.get('production.yaml')).toMatch(/group: hub/);
  expect(made.files.get('production.yaml')).toMatch(/start: latest/);
});

/** Texts with something of no known kind in them: an element after each opening tag, an attribute in each. */
function* withNovelties(text: string): Iterable<readonly [string, string]> {
  for (const { 0: tag, 1: end = '', index } of text.matchAll(/<[A-Za-z]+(?:\s[^<>]*?)?(\/?)>/g)) {
    const [before, after] = [text.slice(0, index), text.slice(index + tag.length)];
    yield [
      `attribute in ${tag}`,
      `${before}${tag.slice(0, -1 - end.length)} Novelty="x"${end}>${after}`,
    ];
    if (end === '') yield [`element in ${tag}`, `${before}${tag}<novelty a="1"/>${after}`];
  }
}

test('whatever is put into an export, at any place, is named in the report', () => {
  expect(marksOf(importedFrom(...WHOLE))).toEqual([]);
  const silent: string[] = [];
  let places = 0;
  for (const [file, text] of WHOLE.entries()) {
    for (const [place, changed] of withNovelties(text)) {
      places += 1;
      const made = importedFrom(...WHOLE.map((own, index) => (index === file ? changed : own)));
      if (!/novelty/i.test(made.files.get('import-report.md') ?? '')) silent.push(place);
    }
  }
  expect(silent).toEqual([]);
  expect(places).toBeGreaterThan(70);
});

test('what managed alerts needed is left out; they go by the operation that the production names, a process’s too', () => {
  const managed = [
    `<Setting Target="Production" Name="AlertNotificationOperation">Mail</Setting>`,
    item('In', 'EnsLib.File.PassthroughService', { FilePath: '/in', TargetConfigNames: 'Work' }),
    item('Work', 'Hub.Process'),
    item('Mail', 'EnsLib.EMail.AlertOperation', {
      SMTPServer: 'm.example',
      Recipient: 'it@h.example',
    }),
    item('Ens.Alert', 'Ens.Alerting.AlertManager', { CreateManagedAlertRule: 'Hub.Create' }),
    item('Monitor', 'Ens.Alerting.AlertMonitor', {}),
  ];
  const bpl = data(
    'Hub.Process',
    'Ens.BusinessProcessBPL',
    'BPL',
    `<process language='objectscript' request='Ens.Request' response='Ens.Response'><context/><sequence><alert value='"dear"'/></sequence></process>`,
  );
  const made = importedFrom(production(...managed), bpl);
  expect(marksOf(made)).toEqual([]);
  const yaml = made.files.get('production.yaml') ?? '';
  expect(yaml).toMatch(/alerts:\n {2}to:\n {4}- mail\n/);
  expect(yaml).not.toMatch(/ens-alert|monitor/);
  expect(yaml).toContain('subject: "{name}"');
  expect(made.files.get('processes/work.ts')).toContain("engine.send('mail'");
});
