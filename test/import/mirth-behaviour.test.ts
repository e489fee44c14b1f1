import { expect, test } from 'vitest';
import { cases, channel, FILE, imported, marksOf, problemsOf, stateOf, WARD } from './imported.ts';
import {
  answersWith,
  channelXml,
  fileWriter,
  iterator,
  iteratorRule,
  javaScript,
  javaScriptRule,
  mapper,
  messageBuilder,
  mllpListener,
  mllpSender,
  ruleBuilder,
} from './mirth-export.ts';

/** What is easily imported so that it looks right and behaves otherwise. */

const SEX = "msg['PID']['PID.8']['PID.8.1'].toString()";
const GIVEN = "msg['ZZZ']['ZZZ.1']['ZZZ.1.1'].toString()";
const code = "msg['OBX'][i]['OBX.3']['OBX.3.1'].toString()";
const isGlucose = ruleBuilder(code, 'EQUALS', ["'GLU'"]);
const isSodium = ruleBuilder(code, 'EQUALS', ["'NA'"], 'OR');

test.each([
  ['equals nothing', [ruleBuilder(SEX, 'EQUALS', [])], false],
  ['equals nothing, and there is nothing', [ruleBuilder(GIVEN, 'EQUALS', [])], true],
  ['differs from nothing', [ruleBuilder(SEX, 'NOT_EQUAL', [])], true],
  ['contains nothing', [ruleBuilder(SEX, 'CONTAINS', [])], true],
  ['does not contain nothing', [ruleBuilder(SEX, 'NOT_CONTAIN', [])], false],
  ['one of the iterations', [iteratorRule("msg['OBX']", [isGlucose])], true],
  ['each of the iterations', [iteratorRule("msg['OBX']", [isGlucose], true)], false],
  ['rules of an iterator with OR', [iteratorRule("msg['OBX']", [isGlucose, isSodium], true)], true],
  ['equals a number, as Mirth Connect compares', [ruleBuilder("'05'", 'EQUALS', ['5'])], true],
  ['contains one of a list', [ruleBuilder("['AB', 'C']", 'CONTAINS', ["'A'"])], false],
  ['an iterator without rules', [iteratorRule("msg['OBX']", [], true)], true],
])('a rule of the builder: %s', async (_, rules, passes) => {
  const production = imported(channel({ destinations: [{ ...WARD, rules }] }));
  expect(marksOf(production)).toEqual([]);
  const ran = await cases(
    production,
    `cases:\n  - name: one\n    message: adt.hl7\n    expect: ${passes ? '{ adt-in-ward: 1 }' : '{}\n    discarded: [adt-in]'}\n`,
  );
  expect(ran).toMatch(/1 passed/);
});

test('steps: segments of an iterator are begun, lists of loops in loops are whole, and an exception is one', async () => {
  const each = "msg['OBX'][i]";
  const steps = [
    iterator("msg['OBX']", [
      messageBuilder("tmp['NTE'][i]['NTE.3']['NTE.3.1']", `${each}['OBX.3']['OBX.3.1'].toString()`),
      iterator(`${each}['OBX.3']['OBX.3.1']`, [
        mapper('codes', `${each}['OBX.3']['OBX.3.1'].toString()`),
      ]).replace('>i<', '>j<'),
    ]),
    javaScript('list', "tmp['PID']['PID.2']['PID.2.1'] = $c('codes').join('+');"),
  ];
  const template = 'MSH|^~\\&|||||||ADT^A08|1|P|2.5\r';
  const production = (more: readonly string[]) =>
    imported(
      channel({
        destinations: [{ ...WARD, transformer: { template, steps: [...steps, ...more] } }],
      }),
    );
  expect(marksOf(production([]))).toEqual([]);
  const made = await cases(
    production([]),
    `cases:\n  - name: one\n    message: adt.hl7\n    expect: { adt-in-ward: { fields: { PID-2: GLU+NA, "NTE[2]-3": NA } } }\n`,
  );
  expect(made).toMatch(/1 passed/);
  const broken = messageBuilder("tmp['PID']['PID.2']", "msg['ZZZ'][3]['ZZZ.1'].toString()");
  const failed = await cases(
    production([broken]),
    'cases: [{ name: one, message: adt.hl7, expect: { adt-in-ward: 1 } }]\n',
  );
  expect(failed).toMatch(/TypeError|SCRIPT|PROCESS_FAILED/);
});

test('what a JavaScript writer returns as an error waits, and the other destinations get the message', async () => {
  const properties = "<script>return new Response(ERROR, 'no');</script>";
  const production = imported(
    channel({
      destinations: [{ name: 'Script', transport: 'JavaScript Writer', properties }, WARD],
    }),
  );
  const ran = await cases(
    production,
    'cases: [{ name: one, message: adt.hl7, expect: { adt-in-ward: 1 } }]\n',
  );
  expect(ran).toMatch(/by its script Script did not take the message/);
});

const withBody = (of: object, text: string): string =>
  `cases:\n  - name: one\n    text: ${JSON.stringify(text)}\n    expect: ${JSON.stringify(of)}\n`;

test('an outbound template is what is sent, even without a step', async () => {
  const production = imported(
    channel({
      destinations: [{ ...FILE, transformer: { outbound: 'XML', template: '<made><it/></made>' } }],
    }),
  );
  const ran = await cases(
    production,
    withBody(
      { 'adt-in-file': { contains: ['<made><it/></made>'] } },
      'MSH|^~\\&|||||||ADT^A08|1|P|2.5\n',
    ),
  );
  expect(ran).toMatch(/1 passed/);
});

test('a raw template of a destination means what the source made; createSegment replaces the first', async () => {
  const production = imported(
    channel({
      transformer: {
        inbound: 'HL7V2',
        steps: [
          javaScript(
            'note',
            "createSegment('NTE', msg)['NTE.3']['NTE.3.1'] = 'old'; createSegment('NTE', msg)['NTE.3']['NTE.3.1'] = 'new';",
          ),
        ],
      },
      destinations: [{ ...FILE, properties: fileWriter('x.txt', '${message.rawData}') }],
    }),
  );
  const ran = await cases(
    production,
    withBody(
      { 'adt-in-file': { contains: ['MSH|^~\\&|||||||ADT^A08|1|P|2.5\rNTE|||new\r'] } },
      'MSH|^~\\&|||||||ADT^A08|1|P|2.5\r',
    ),
  );
  expect(ran).toMatch(/1 passed/);
});

test('namespaces are taken away also where no step reads the message', async () => {
  const file = channelXml({
    name: 'Xml',
    transport: 'Channel Reader',
    properties: '',
    transformer: { inbound: 'XML', inboundProperties: XML_WITHOUT_NAMESPACES },
    destinations: [{ ...FILE, transformer: { inbound: 'XML' } }],
  });
  const ran = await cases(
    imported(file),
    withBody(
      { 'xml-file': { contains: ['<a><b>1</b></a>'] } },
      '<x:a xmlns:x="urn:x"><x:b>1</x:b></x:a>',
    ),
  );
  expect(ran).toMatch(/1 passed/);
});

const XML_WITHOUT_NAMESPACES =
  '<inboundProperties class="com.mirth.connect.plugins.datatypes.xml.XMLDataTypeProperties"><serializationProperties><stripNamespaces>true</stripNamespaces></serializationProperties></inboundProperties>';

const properties = (kind: string, text: string): string =>
  `<inboundProperties class="com.mirth.connect.plugins.datatypes.${kind}">${text}</inboundProperties>`;
const BATCH = '<processBatch>true</processBatch>';
const step = [javaScript('read', "msg['PID'];")];

test.each([
  [
    'the strict parser',
    channel({
      transformer: {
        inbound: 'HL7V2',
        steps: step,
        inboundProperties: properties(
          'hl7v2.HL7v2DataTypeProperties',
          '<serializationProperties><useStrictParser>true</useStrictParser></serializationProperties>',
        ),
      },
    }),
    /reads HL7 by the strict parser/,
  ],
  [
    'undivided repetitions',
    channel({
      transformer: {
        inbound: 'HL7V2',
        steps: step,
        inboundProperties: properties(
          'hl7v2.HL7v2DataTypeProperties',
          '<serializationProperties><handleRepetitions>false</handleRepetitions></serializationProperties>',
        ),
      },
    }),
    /leaves repetitions/,
  ],
  [
    'records of a delimited file',
    channel({
      transport: 'File Reader',
      properties: `<scheme>FILE</scheme><host>/in</host><sourceConnectorProperties>${BATCH}</sourceConnectorProperties>`,
      transformer: { inbound: 'DELIMITED' },
    }),
    /split into several messages by its records/,
  ],
  [
    'a script that takes attachments',
    channel({
      more: '<properties><attachmentProperties><type>JavaScript</type><properties><entry><string>javascript.script</string><string>addAttachment(message, "x"); return "gone";</string></entry></properties></attachmentProperties></properties>',
    }),
    /takes attachments out of the message/,
  ],
  [
    'an encoding that is not written',
    channel({
      destinations: [
        { ...WARD, properties: `${mllpSender()}<charsetEncoding>windows-1250</charsetEncoding>` },
      ],
    }),
    /sends in windows-1250/,
  ],
])('%s is marked, and not complete', async (_, file, said) => {
  const production = imported(file);
  expect(stateOf(production)).toBe('partial');
  expect(marksOf(production).join()).toMatch(said);
  expect((await problemsOf(production)).join()).toMatch(/todo|person|code|adapter/);
});

test('what is in Latin-1 or Base64 is sent so', async () => {
  const production = imported(
    channel({
      destinations: [
        { ...WARD, properties: `${mllpSender()}<charsetEncoding>ISO-8859-1</charsetEncoding>` },
        { ...FILE, properties: `${fileWriter('x.bin', 'aMOk')}<binary>true</binary>` },
      ],
    }),
  );
  expect(marksOf(production)).toEqual([]);
  const made = production.files.get('processes/adt-in.ts');
  expect(made).toContain("charset: 'ISO-8859-1'");
  const ran = await cases(
    production,
    withBody(
      { 'adt-in-file': { contains: ['hä'] }, 'adt-in-ward': 1 },
      'MSH|^~\\&|||||||ADT^A08|1|P|2.5\r',
    ),
  );
  expect(ran).toMatch(/1 passed/);
});

test('a destination whose answer is read later is waited for, unless it has a queue', () => {
  const reads = { post: "channelMap.put('x', responseMap.get('d1').getMessage());" };
  const made = imported(channel(reads)).files.get('processes/adt-in.ts');
  expect(made).toContain('call: true');
  const queued = imported(
    channel({
      ...reads,
      destinations: [{ ...WARD, properties: mllpSender() }],
    }).replaceAll('<queueEnabled>false', '<queueEnabled>true'),
  ).files.get('processes/adt-in.ts');
  expect(queued).not.toContain('call: true');
  const next = imported(
    channel({ destinations: [WARD, { ...FILE, properties: fileWriter('x', '${d1}') }] }),
  );
  expect(next.files.get('processes/adt-in.ts')?.match(/call: true/g)).toHaveLength(1);
});

test('a channel that starts stopped stays off; a filter that may reject answers itself', () => {
  const stopped = imported(
    channel({ more: '<properties><initialState>STOPPED</initialState></properties>' }),
  );
  expect(stopped.files.get('production.yaml')).toContain('enabled: false');
  const disabled = imported(
    channel({ more: '<exportData><metadata><enabled>false</enabled></metadata></exportData>' }),
  );
  expect(disabled.files.get('production.yaml')).toContain('enabled: false');
  expect(disabled.files.get('import-report.md')).toContain('the channel was disabled');
  const filter = [javaScriptRule('return true;')];
  const later = imported(channel({ rules: filter }));
  expect(later.files.get('processes/adt-in.ts')).toContain('answer: "auto"');
  expect(later.files.get('production.yaml')).toContain('acknowledge: application');
  const before = imported(
    channel({ rules: filter, properties: mllpListener(6661, 'Auto-generate (Before processing)') }),
  );
  expect(before.files.get('processes/adt-in.ts')).not.toContain('answer');
  const http = imported(
    channel({
      transport: 'HTTP Listener',
      properties: `<listenerConnectorProperties><host>0.0.0.0</host><port>80</port></listenerConnectorProperties>${answersWith('Auto-generate (Before processing)')}`,
    }),
  );
  expect(http.files.get('processes/adt-in.ts')).toContain('answer: "auto"');
});

const scripts = (own: Readonly<Record<string, string>>): string =>
  `<serverConfiguration><channels>${channel({
    rules: [ruleBuilder(SEX, 'EQUALS', ["'F'"])],
    destinations: [FILE],
    pre: "return message.replace('BBB', 'CCC');",
    post: "router.routeMessage('audit', $c('seen'));",
  })}${channelXml({ id: 'audit', name: 'audit', transport: 'Channel Reader', properties: '', destinations: [{ ...FILE, transformer: { inbound: 'RAW' } }] })}</channels><globalScripts>${Object.entries(
    own,
  )
    .map(([key, text]) => `<entry><string>${key}</string><string>${text}</string></entry>`)
    .join('')}</globalScripts></serverConfiguration>`;

test('global scripts run for every channel, also when the source filters a message out', async () => {
  const production = imported(
    scripts({
      Preprocessor: "channelMap.put('seen', message); return message.replace('AAA', 'BBB');",
    }),
  );
  expect(await problemsOf(production)).toEqual([]);
  const ran = await cases(
    production,
    `cases:
  - name: it passes
    text: "MSH|^~\\\\&|||||||ADT^A08|1|P|2.5\\rPID|||AAA|||||F\\r"
    expect: { adt-in-file: { fields: { PID-3: CCC } }, audit-file: 1 }
  - name: it is filtered out
    text: "MSH|^~\\\\&|||||||ADT^A08|1|P|2.5\\rPID|||AAA|||||M\\r"
    expect: { audit-file: { fields: { PID-3: BBB } } }
`,
  );
  expect(ran).toMatch(/2 passed/);
});

test('a listener for HL7 does not share the port of a web service', async () => {
  const http =
    '<listenerConnectorProperties><host>0.0.0.0</host><port>6661</port></listenerConnectorProperties>';
  const production = imported(
    channel({ name: 'Web', transport: 'HTTP Listener', properties: http, destinations: [FILE] }),
    channel({}),
  );
  expect(await problemsOf(production)).toEqual([]);
  expect(production.files.get('production.yaml')).toContain('listen: 0.0.0.0:6662');
});

const OTHER = channelXml({
  id: 'other',
  name: 'Other',
  transport: 'Channel Reader',
  properties: '',
  destinations: [FILE],
});

test('a destination whose script fails is alone: others get theirs, and only its part waits', async () => {
  const fails = {
    inbound: 'HL7V2',
    steps: [javaScript('fail', "router.routeMessage('Other', 'lost'); throw 'not yet';")],
  } as const;
  const text = channel({
    destinations: [
      { ...WARD, name: 'First' },
      { ...WARD, name: 'Second', transformer: fails },
      { ...WARD, name: 'Third' },
      { ...WARD, name: 'Apart', waits: false, rules: [javaScriptRule('return true;')] },
    ],
  });
  const production = imported(text, OTHER);
  expect(stateOf(production)).toBe('complete,complete');
  expect(await problemsOf(production)).toEqual([]);
  const yaml = `cases:
  - name: alone
    message: adt.hl7
    expect: { adt-in-first: 1, adt-in-apart: 1 }
    suspended: { adt-in: '' }
`;
  expect(await cases(production, yaml)).toMatch(/1 passed/);
});

test('what failed at a destination goes on there alone once its script is corrected', async () => {
  const text = channel({
    pre: "router.routeMessage('Other', 'before'); return message;",
    transformer: {
      inbound: 'HL7V2',
      steps: [javaScript('route', "router.routeMessage('Other', 'sent when the message came');")],
    },
    destinations: [
      { ...WARD, name: 'First' },
      { ...WARD, name: 'Second', rules: [ruleBuilder("msg['PID']", 'EXISTS', [])] },
    ],
  });
  const again = JSON.stringify({
    text: 'MSH|^~\\&|EPIC|MAIN|HUB|MAIN|20260115083000||ADT^A01|A1|P|2.5\rPID|1||123\r',
    type: 'HL7v2:ADT_A01:2.5',
    only: [2],
  });
  const yaml = `cases:
  - name: the rest
    text: ${JSON.stringify(again)}
    type: application/vnd.waybill.mirth-destinations+json
    expect: { adt-in-second: [{ fields: { PID-3: '123' } }] }
`;
  expect(await cases(imported(text, OTHER), yaml)).toMatch(/1 passed/);
});

test.each([
  ['throws', "throw 'not yet';", 'threw', 1],
  ['says that it is an error', 'responseStatus = ERROR;', 'did not take the message', 1],
  ['wants it sent again', 'responseStatus = QUEUED;', 'did not take the message', 1],
  ['says nothing', 'return;', '', 0],
] as const)(
  'a response transformer that %s leaves only its destination to be seen to',
  async (_, script, text, left) => {
    const production = imported(
      channel({
        properties: mllpListener(6661, 'd1'),
        destinations: [
          { ...WARD, name: 'First', responseSteps: [javaScript('answer', script)] },
          { ...WARD, name: 'Second', waits: true },
        ],
      }),
    );
    expect(stateOf(production)).toBe('complete');
    const yaml = `cases:
  - name: it
    message: adt.hl7
    calls: { adt-in-first: [{ code: AA, type: "HL7v2:ACK:2.5", content: "MSH|^~\\\\&|||||||ACK|1|P|2.5\\rMSA|AA|A1\\r" }] }
    expect: { adt-in-first: 1, adt-in-second: 1 }
    ${left === 0 ? '' : `suspended: { adt-in: '${text}' }`}
    reply: { fields: { MSA-1: AA } }
`;
    expect(await cases(production, yaml)).toMatch(/1 passed/);
  },
);

test('the script for an answer goes on with that answer once it is corrected, and sends nothing', async () => {
  const text = channel({
    properties: mllpListener(6661, 'd1'),
    destinations: [
      {
        ...WARD,
        name: 'First',
        responseSteps: [
          javaScript(
            'answer',
            "router.routeMessage('Other', msg['MSA']['MSA.1']['MSA.1.1'].toString());",
          ),
        ],
      },
    ],
  });
  const again = JSON.stringify({
    text: 'MSH|^~\\&|EPIC|MAIN|HUB|MAIN|20260115083000||ADT^A01|A1|P|2.5\rPID|1||123\r',
    type: 'HL7v2:ADT_A01:2.5',
    only: [1],
    answers: {
      1: { isGood: true, body: 'MSH|^~\\&|A|B|C|D|2026||ACK|1|P|2.5\rMSA|AA|A1\r', text: '' },
    },
  });
  const yaml = `cases:
  - name: the rest
    text: ${JSON.stringify(again)}
    type: application/vnd.waybill.mirth-destinations+json
    expect: { other-file: { contains: [AA] } }
`;
  expect(await cases(imported(text, OTHER), yaml)).toMatch(/1 passed/);
});

test.each([
  ['all sent', 'A01', [true, true], 'AA'],
  ['one filtered out', 'A01', [true, false], 'AA'],
  ['all filtered out', 'A01', [false, false], 'AR'],
  ['filtered out by the source', 'A02', [true, true], 'AE'],
] as const)('acknowledged once the destinations are done: %s', async (_, event, passes, said) => {
  const text = channel({
    properties: mllpListener(6661, 'Auto-generate (Destinations completed)'),
    rules: [ruleBuilder("msg['MSH']['MSH.9']['MSH.9.2'].toString()", 'EQUALS', [`'${event}'`])],
    destinations: passes.map((one, index) => ({
      ...WARD,
      name: `To ${index}`,
      rules: [javaScriptRule(`return ${one};`)],
    })),
  });
  const yaml = `cases: [{ name: one, message: adt.hl7, others: any, reply: { fields: { MSA-1: ${said} } } }]\n`;
  expect(await cases(imported(text), yaml)).toMatch(/1 passed/);
});

test('a deploy script sets global variables for other channels before their first message', async () => {
  const other = channelXml({
    id: 'other',
    name: 'Other',
    transport: 'Channel Reader',
    properties: '',
    destinations: [FILE],
  }).replace(
    '<deployScript>return;</deployScript>',
    "<deployScript>globalMap.put('other', channelId); return;</deployScript>",
  );
  const router = channel({
    transformer: {
      inbound: 'HL7V2',
      steps: [javaScript('route', "router.routeMessageByChannelId(globalMap.get('other'), 'x');")],
    },
  });
  const yaml =
    'cases: [{ name: one, message: adt.hl7, expect: { adt-in-ward: 1, other-file: 1 } }]\n';
  expect(await cases(imported(router, other), yaml)).toMatch(/1 passed/);
});
