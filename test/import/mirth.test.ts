import { expect, test } from 'vitest';
import { writeProduction } from '../../src/import/production-files.ts';
import {
  cases,
  channel,
  FILE,
  imported,
  marksOf,
  problemsOf,
  stateOf,
  WARD,
  written,
} from './imported.ts';
import {
  channelXml,
  fileWriter,
  iterator,
  javaScript,
  javaScriptRule,
  mapper,
  messageBuilder,
  mllpListener,
  ruleBuilder,
} from './mirth-export.ts';

const writer = (id: string, variables = ''): string =>
  `<channelId>${id}</channelId><channelTemplate>\${message.encodedData}</channelTemplate><mapVariables>${variables}</mapVariables>`;

const library = (code: string): string =>
  `<exportData><codeTemplateLibraries><codeTemplateLibrary><id>l</id><name>Library</name><codeTemplates><codeTemplate><id>1</id><name>Pad It</name><properties><type>FUNCTION</type><code>${code}</code></properties></codeTemplate><codeTemplate><id>2</id><name>Unused</name><properties><code>function never() { return new Packages.java.io.File('x'); }</code></properties></codeTemplate></codeTemplates></codeTemplateLibrary></codeTemplateLibraries></exportData>`;

test('a channel that only passes on becomes a production without any problem', async () => {
  const production = imported(channel({}));
  expect(stateOf(production)).toBe('complete');
  expect(await problemsOf(production)).toEqual([]);
  const ran = await cases(
    production,
    `cases:\n  - name: it goes on as it came\n    message: adt.hl7\n    expect: { adt-in-ward: { body: adt.hl7 } }\n`,
  );
  expect(ran).toMatch(/1 passed/);
});

test('mapper, message builder, iterator and scripts do what they did', async () => {
  const production = imported(
    channel({
      version: '3.12.0',
      transformer: {
        inbound: 'HL7V2',
        steps: [
          mapper('mrn', "msg['PID']['PID.3'][1]['PID.3.1'].toString()"),
          mapper('none', "msg['ZZZ'][3]['ZZZ.1'].toString() // a note", "'nothing'"),
          messageBuilder("msg['MSH']['MSH.3']['MSH.3.1']", "'HUB'"),
          iterator("msg['OBX']", [mapper('codes', "msg['OBX'][i]['OBX.3']['OBX.3.1'].toString()")]),
          javaScript(
            'script',
            `for each (obx in msg..OBX) {
  if (obx['OBX.3']['OBX.3.1'] == 'GLU') obx['OBX.11']['OBX.11.1'] = 'F';
}
delete msg['OBX'][1];
count = msg['OBX'].length();
msg['PID']['PID.5']['PID.5.2'] = $('mrn') + $c('codes').join('+') + $('none') + count;
logger.info('name ' + msg['PID']['PID.5']['PID.5.1']);
msg['ZPI']['ZPI.2']['ZPI.2.2'] = 'made';`,
          ),
        ],
      },
    }),
  );
  expect(marksOf(production)).toEqual([]);
  expect(await problemsOf(production)).toEqual([]);
  const ran = await cases(
    production,
    `cases:
  - name: fields are those that the steps made
    message: adt.hl7
    expect:
      adt-in-ward:
        fields: { MSH-3: HUB, PID-5.1: DOE, PID-5.2: 456GLU+NAnothing1, OBX-11: F, ZPI-2.2: made, "PID-3[2].1": "456" }
        absent: ["OBX[2]"]
`,
  );
  expect(ran).toMatch(/1 passed/);
});

test('filters of the rule builder and in JavaScript hold messages up, each destination by its own', async () => {
  const event = "msg['MSH']['MSH.9']['MSH.9.2'].toString()";
  const production = imported(
    channel({
      properties: mllpListener(6661, 'Auto-generate (Before processing)'),
      rules: [ruleBuilder(event, 'EQUALS', ["'A01'", "'A03'"])],
      destinations: [
        {
          ...WARD,
          rules: [
            ruleBuilder("msg['PID']['PID.8']", 'EXISTS', []),
            javaScriptRule("return msg['PID']['PID.8']['PID.8.1'] == 'F';"),
          ],
        },
        { ...FILE, rules: [ruleBuilder(event, 'CONTAINS', ["'A0'"])] },
      ],
    }),
  );
  expect(await problemsOf(production)).toEqual([]);
  const ran = await cases(
    production,
    `cases:
  - { name: a man, message: adt.hl7, expect: { adt-in-file: 1 } }
  - name: another event
    text: "MSH|^~\\\\&|||||||ADT^A08|1|P|2.5\\n"
    expect: {}
    discarded: [adt-in]
`,
  );
  expect(ran).toMatch(/2 passed/);
});

test('a template fills in variables, and the name of a file comes from the message', async () => {
  const production = imported(
    channel({
      transformer: {
        inbound: 'HL7V2',
        steps: [mapper('name', "msg['PID']['PID.5']['PID.5.1'].toString()")],
      },
      destinations: [{ ...FILE, properties: fileWriter('${name}.txt', 'Name: ${name}, $name') }],
    }),
  );
  expect(await problemsOf(production)).toEqual([]);
  const ran = await cases(
    production,
    `cases:\n  - name: both\n    message: adt.hl7\n    expect: { adt-in-file: { name: DOE.txt, contains: ["Name: DOE, DOE"] } }\n`,
  );
  expect(ran).toMatch(/1 passed/);
});

test('channels that send to each other are processes that do, with their variables', async () => {
  const production = imported(
    channel({
      transformer: {
        inbound: 'HL7V2',
        steps: [
          javaScript(
            'put',
            "channelMap.put('who', 'me'); destinationSet.remove('Never'); router.routeMessage('Third', 'routed');",
          ),
        ],
      },
      destinations: [
        {
          name: 'Next',
          transport: 'Channel Writer',
          properties: writer('second-id', '<string>who</string>'),
        },
        { ...WARD, name: 'Never' },
      ],
    }),
    channelXml({
      id: 'second-id',
      name: 'Second',
      transport: 'Channel Reader',
      properties: '',
      transformer: {
        inbound: 'HL7V2',
        steps: [javaScript('use', "msg['MSH']['MSH.3']['MSH.3.1'] = sourceMap.get('who');")],
      },
      destinations: [WARD],
    }),
    channelXml({
      name: 'Third',
      transport: 'Channel Reader',
      properties: '',
      transformer: { inbound: 'RAW' },
      destinations: [{ ...FILE, transformer: { inbound: 'RAW' } }],
    }),
  );
  expect(stateOf(production)).toBe('complete,complete,complete');
  expect(await problemsOf(production)).toEqual([]);
  const ran = await cases(
    production,
    `cases:\n  - name: both are reached\n    message: adt.hl7\n    expect: { second-ward: { fields: { MSH-3: me, PID-5.1: DOE } }, third-file: { contains: [routed] } }\n`,
  );
  expect(ran).toMatch(/1 passed/);
});

test('the answer of a destination goes to the sender, as its response transformer leaves it', async () => {
  const production = imported(
    channel({
      properties: mllpListener(6661, 'd1'),
      destinations: [
        {
          ...WARD,
          responseSteps: [javaScript('answer', "msg['MSA']['MSA.3']['MSA.3.1'] = responseStatus;")],
        },
      ],
    }),
  );
  expect(await problemsOf(production)).toEqual([]);
  const ran = await cases(
    production,
    `cases:
  - name: answered
    message: adt.hl7
    calls: { adt-in-ward: [{ code: AA, type: "HL7v2:ACK:2.5", content: "MSH|^~\\\\&|||||||ACK|1|P|2.5\\rMSA|AA|A1\\r" }] }
    expect: { adt-in-ward: 1 }
    reply: { code: AA, fields: { MSA-3: SENT } }
`,
  );
  expect(ran).toMatch(/1 passed/);
});

test('XML and JSON are read, and E4X that JavaScript has no longer is rewritten', async () => {
  const production = imported(
    channel({
      name: 'Orders',
      transport: 'File Reader',
      properties:
        '<scheme>FILE</scheme><host>/tmp/in</host><fileFilter>*.xml</fileFilter><afterProcessingAction>DELETE</afterProcessingAction><pollConnectorProperties><pollingType>INTERVAL</pollingType><pollingFrequency>5000</pollingFrequency></pollConnectorProperties>',
      transformer: {
        inbound: 'XML',
        steps: [
          javaScript(
            'e4x',
            `var urgent = msg.item.(@kind == 'stat');
var total = 0;
for each (var one in msg.item) total += parseInt(one.@count);
msg.summary = <summary total={total}>{urgent.code.toString()}</summary>;
msg.summary += <more/>;
msg.@done = 'yes';
if (typeof msg == 'xml' && msg..code[0] == msg.item[0].code) msg.same = 'true';`,
          ),
        ],
      },
      destinations: [{ ...FILE, transformer: { inbound: 'XML' } }],
    }),
  );
  expect(marksOf(production)).toEqual([]);
  expect(await problemsOf(production)).toEqual([]);
  const ran = await cases(
    production,
    `cases:
  - name: xml
    text: '<order><item count="2"><code>A &amp; B</code></item><item kind="stat" count="3"><code>C</code></item></order>'
    type: application/xml
    expect:
      orders-file:
        contains:
          - '<order done="yes"><item count="2"><code>A &amp; B</code></item>'
          - '<summary total="5">C</summary><more/><same>true</same>'
`,
  );
  expect(ran).toMatch(/1 passed/);
});

test('what cannot be done by itself is marked with channel, step and line, and check fails until it is done', async () => {
  const production = imported(
    channel({
      transformer: {
        inbound: 'HL7V2',
        steps: [
          javaScript('first', 'var a = 1;'),
          javaScript(
            'lookup',
            "var b = 2;\nvar c = DatabaseConnectionFactory.createDatabaseConnection('d', 'u', 'n', 'hunter2').executeUpdate(b);\nvar d = new Packages.java.io.File('x');\nunheard(d);",
          ),
        ],
      },
    }),
  );
  expect(stateOf(production)).toBe('partial');
  expect(marksOf(production)).toEqual([
    'source transformer, lookup:2 its database is unknown: make an operation with sql-out for it, and call that',
    'source transformer, lookup:3 uses the Java class java.io.File',
    'source transformer, lookup:4 uses unheard, which no code template of the export defines',
  ]);
  const [problem = '', ...more] = await problemsOf(production);
  expect(problem).toMatch(
    /processes.adt-in.code: the module cannot be loaded: to be done by a person: source transformer, lookup, line 2: its database is unknown/,
  );
  expect(more).toEqual([]);
});

test('a script that cannot be read stays as a comment', async () => {
  const production = imported(
    channel({
      transformer: { inbound: 'HL7V2', steps: [javaScript('broken', 'var a = 1;\nif (a {')] },
    }),
  );
  expect(stateOf(production)).toBe('partial');
  expect(production.files.get('scripts/adt-in/source-transformer.ts')).toContain('// if (a {');
  expect((await problemsOf(production)).length).toBe(1);
});

test('no password of an export comes into a file or the report', async () => {
  const SECRETS = ['hunter2', 'opensesame', 'tok3n-value', 'c2VjcmV0', 'pa55'];
  const http = `<host>https://api.example/x?api_key=pa55</host><method>post</method><useAuthentication>true</useAuthentication><username>hub</username><password>opensesame</password><headers><entry><string>X-Api-Key</string><list><string>tok3n-value</string></list></entry></headers><content>&lt;Password>pa55&lt;/Password></content><contentType>text/xml</contentType>`;
  const script = `// the password is hunter2
var password = 'hunter2';
var c = DatabaseConnectionFactory.createDatabaseConnection('d', 'jdbc:x;password=hunter2', 'n', 'hunter2');
var h = { Authorization: 'Basic c2VjcmV0c2VjcmV0' };
config.setPassword('hunter2');
var url = 'https://me:pa55@host/';
logger.info('password=hunter2');`;
  const production = imported(
    channel({
      transformer: { inbound: 'HL7V2', steps: [javaScript('script', script)] },
      destinations: [{ name: 'Web', transport: 'HTTP Sender', properties: http }],
    }),
    channel({
      name: 'Broken',
      properties: mllpListener(6662),
      transformer: {
        inbound: 'HL7V2',
        steps: [javaScript('broken', "var password = 'hunter2'; if (")],
      },
    }),
  );
  for (const [name, text] of production.files) {
    for (const secret of SECRETS) expect(`${name}: ${text}`).not.toContain(secret);
  }
  expect(production.files.get('production.yaml')).toMatch(/password: \$\{secret:adt-in-web\}/);
  expect(production.files.get('import-report.md')).toMatch(/waybill secret set adt-in-web/);
});

const webSender = (method: string): string => {
  const http = `<host>https://api.example/x</host><method>${method}</method><content/>`;
  const destinations = [{ name: 'Web', transport: 'HTTP Sender', properties: http }];
  return imported(channel({ destinations })).files.get('import-report.md') ?? '';
};

test('a sender of the web whose content is empty is worth a look, where a body is expected', () => {
  expect(webSender('put')).toContain('| Web |  | its content is empty, so requests have no body');
  expect(webSender('get')).not.toContain('its content is empty');
});

test('code templates become modules, those that are used', async () => {
  const production = imported(
    channel({
      transformer: {
        inbound: 'HL7V2',
        steps: [
          javaScript(
            'pad',
            "msg['MSH']['MSH.3']['MSH.3.1'] = padded(msg['MSH']['MSH.10']['MSH.10.1'].toString());",
          ),
        ],
      },
      more: library("function padded(text) { channelMap.put('x', 1); return '00' + text; }"),
    }),
  );
  expect(stateOf(production)).toBe('complete');
  expect([...production.files.keys()].filter((name) => name.startsWith('code/'))).toEqual([
    'code/pad-it.ts',
  ]);
  const ran = await cases(
    production,
    `cases:\n  - { name: padded, message: adt.hl7, expect: { adt-in-ward: { fields: { MSH-3: 00A1 } } } }\n`,
  );
  expect(ran).toMatch(/1 passed/);
});

test('a file that is no export is told of, and the others are imported', () => {
  const production = imported('<channel version="4.5.2"><id>', channel({}));
  expect(stateOf(production)).toBe('complete,not');
  expect(production.files.get('import-report.md')).toMatch(/channel-0.xml .* cannot be read/);
});

test('a folder that is not empty is left alone', async () => {
  const folder = await written(imported(channel({})));
  await expect(writeProduction(imported(channel({})), folder)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
});

test('channels that listen at one port are told apart, and check passes', async () => {
  const production = imported(
    channel({}),
    channel({ id: 'b', name: 'Second' }),
    channel({ id: 'c', name: 'Third', properties: mllpListener(6662) }),
  );
  expect(stateOf(production)).toBe('complete,complete,complete');
  expect(await problemsOf(production)).toEqual([]);
  const yaml = production.files.get('production.yaml') ?? '';
  expect(yaml.match(/listen: .*|enabled: .*/g)).toEqual([
    'listen: 0.0.0.0:6661',
    'listen: 0.0.0.0:6663',
    'enabled: false',
    'listen: 0.0.0.0:6662',
  ]);
  expect(production.files.get('import-report.md')).toMatch(
    /Second .* adt-in-in also listens on port 6661/,
  );
});

test('a channel that only routes by the rule builder becomes rules, without any code', async () => {
  const type = "msg['MSH']['MSH.9']['MSH.9.1'].toString()";
  const event = "msg['MSH']['MSH.9']['MSH.9.2'].toString()";
  const production = imported(
    channel({
      properties: mllpListener(6661, 'Auto-generate (Before processing)'),
      rules: [
        ruleBuilder(type, 'EQUALS', ["'ADT'"]),
        ruleBuilder(event, 'NOT_EQUAL', ["'A40'"], 'AND'),
      ],
      destinations: [
        { ...WARD, rules: [ruleBuilder(event, 'EQUALS', ["'A01'", '"A03"'])] },
        FILE,
        {
          name: 'Next',
          transport: 'Channel Writer',
          properties: writer('second'),
          rules: [ruleBuilder(event, 'CONTAINS', ["'A0'"])],
        },
      ],
    }),
    channelXml({
      id: 'second',
      name: 'Second',
      transport: 'Channel Reader',
      properties: '',
      destinations: [FILE],
    }),
  );
  expect(stateOf(production)).toBe('complete,complete');
  expect(await problemsOf(production)).toEqual([]);
  expect([...production.files.keys()].filter((name) => name.endsWith('.ts'))).toEqual([]);
  expect(production.files.get('production.yaml')).toMatch(/name: out.txt/);
  const ran = await cases(
    production,
    `cases:
  - name: to all
    message: adt.hl7
    expect: { adt-in-ward: { body: adt.hl7 }, adt-in-file: { body: adt.hl7 }, second-file: 1 }
  - { name: not to the ward, text: "MSH|^~\\\\&|||||||ADT^A08|1|P|2.5\\n", expect: { adt-in-file: 1, second-file: 1 } }
  - { name: to nobody, text: "MSH|^~\\\\&|||||||ADT^A40|1|P|2.5\\n", expect: {}, discarded: [adt-in] }
`,
  );
  expect(ran).toMatch(/3 passed/);
});

test.each([
  ['a field that may repeat', "msg['PID']['PID.3']['PID.3.1'].toString()", 'EQUALS', "'1'"],
  ['a value of a map', "$('x')", 'EQUALS', "'1'"],
  [
    'a value that is not written out',
    "msg['MSH']['MSH.9']['MSH.9.2'].toString()",
    'EQUALS',
    "$('x')",
  ],
  ['whether a part is there', "msg['MSH']['MSH.9']['MSH.9.2']", 'EXISTS', "''"],
])('rules by %s stay a script', (_, field, condition, value) => {
  const production = imported(channel({ rules: [ruleBuilder(field, condition, [value])] }));
  expect(production.files.has('processes/adt-in.ts')).toBe(true);
});

const sendsTo = (id: string, name: string, ...next: readonly string[]): string =>
  channelXml({
    id,
    name,
    transport: 'Channel Reader',
    properties: '',
    destinations: next.map((one) => ({
      name: `To ${one}`,
      transport: 'Channel Writer',
      properties: writer(one),
    })),
  });

test('channels that route to each other in a ring run from queues', async () => {
  const production = imported(
    sendsTo('a', 'First', 'b'),
    sendsTo('b', 'Second', 'a'),
    sendsTo('c', 'Third', 'a'),
  );
  expect(await problemsOf(production)).toEqual([]);
  expect(production.files.get('production.yaml')?.match(/run: queued/g)).toHaveLength(2);
});

const template = (id: string, name: string, code: string): string =>
  `<codeTemplate version="4.5.2"><id>${id}</id><name>${name}</name><properties><type>FUNCTION</type><code>${code}</code></properties></codeTemplate>`;

test('an export of code templates alone becomes their modules', () => {
  const production = imported(
    `<codeTemplateLibrary><name>All</name><codeTemplates>${template('1', 'Pad', 'function pad(text) { return fill() + text; }')}${template('2', 'Fill', "function fill() { return '0'; }")}</codeTemplates></codeTemplateLibrary>`,
    template('3', 'Files', 'function read(name) { return FileUtil.read(name); }'),
  );
  expect([...production.files.keys()].toSorted()).toEqual([
    'code/files.ts',
    'code/fill.ts',
    'code/pad.ts',
    'import-report.md',
  ]);
  expect(production.files.get('code/pad.ts')).toMatch(/import \{ fill \} from '\.\/fill\.ts'/);
  expect(
    production.report.templates.map(({ name, state }) => `${name} ${state}`).toSorted(),
  ).toEqual(['code/files.ts partial', 'code/fill.ts complete', 'code/pad.ts complete']);
});
