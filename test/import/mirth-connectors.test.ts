import { expect, test } from 'vitest';
import { cases, channel, FILE, imported, marksOf, problemsOf, stateOf, WARD } from './imported.ts';
import { fileWriter, javaScript, javaScriptRule, mapper, mllpListener } from './mirth-export.ts';

/** What connectors do by settings that are easily overlooked. */

const reader = (more: string): string =>
  channel({
    transport: 'File Reader',
    properties: `<scheme>FILE</scheme><host>/in</host><fileFilter>.*</fileFilter>${more}`,
  });

test.each([
  [
    'a reader for some hours of the day',
    reader(
      '<pollConnectorProperties><pollConnectorPropertiesAdvanced><allDay>false</allDay></pollConnectorPropertiesAdvanced></pollConnectorProperties>',
    ),
    /polls only between two times/,
  ],
  ['files by a regular expression', reader('<regex>true</regex>'), /regular expression/],
  [
    'a listener with TLS of the server',
    channel({
      properties: `${mllpListener(6661)}<pluginProperties><com.mirth.connect.plugins.ssl.model.SSLConnectorPluginProperties><enabled>true</enabled></com.mirth.connect.plugins.ssl.model.SSLConnectorPluginProperties></pluginProperties>`,
    }),
    /certificates of the SSL manager/,
  ],
  [
    'headers from a map',
    channel({
      destinations: [
        {
          name: 'Web',
          transport: 'HTTP Sender',
          properties:
            '<host>http://x.example/</host><useHeadersVariable>true</useHeadersVariable><content>${message.encodedData}</content>',
        },
      ],
    }),
    /headers come from a map/,
  ],
])('%s: marked, and not complete', async (_, file, said) => {
  const production = imported(file);
  expect(stateOf(production)).toBe('partial');
  expect(marksOf(production).join()).toMatch(said);
  expect((await problemsOf(production)).join()).toMatch(/done by a person/);
});

test('a turn of a reader by cron is longer than a file has to be still', () => {
  const cron =
    '<pollConnectorProperties><pollingType>CRON</pollingType><cronJobs><com.mirth.connect.donkey.model.channel.CronProperty><expression>0 0 6 * * ?</expression></com.mirth.connect.donkey.model.channel.CronProperty></cronJobs></pollConnectorProperties>';
  const turnOf = (more: string): string | undefined =>
    /cron .*?for \w+/.exec(imported(reader(cron + more)).files.get('production.yaml') ?? '')?.[0];
  expect(turnOf('<fileAge>1000</fileAge>')).toBe('cron 0 6 * * * for 1m');
  expect(turnOf('<fileAge>120000</fileAge>')).toBe('cron 0 6 * * * for 3m');
  expect(turnOf('<checkFileAge>false</checkFileAge><fileAge>120000</fileAge>')).toBe(
    'cron 0 6 * * * for 1m',
  );
});

const field = (name: string, value: string): string =>
  `<entry><string>${name}</string><list><string>${value}</string></list></entry>`;

test('a form is sent as the body, its values encoded; the status of the answer is there for scripts', async () => {
  const production = imported(
    channel({
      transformer: { inbound: 'HL7V2', steps: [mapper('name', "'A&B=c d'")] },
      destinations: [
        {
          name: 'Web',
          transport: 'HTTP Sender',
          properties: `<host>http://x.example/token</host><method>post</method><parameters>${field('grant', 'x')}${field('who', '${name}')}</parameters><contentType>application/x-www-form-urlencoded</contentType><content>not sent</content>`,
          responseSteps: [
            javaScript(
              'judge',
              "responseStatus = $('responseStatusCode') == '201' ? SENT : ERROR; channelMap.put('line', $('responseStatusLine'));",
            ),
          ],
        },
        { ...FILE, properties: fileWriter('x', '${line}') },
      ],
    }),
  );
  expect(marksOf(production)).toEqual([]);
  expect(production.files.get('production.yaml')).toContain('url: http://x.example/token\n');
  const ran = await cases(
    production,
    "cases:\n  - name: one\n    message: adt.hl7\n    calls: { adt-in-web: { code: '201', content: ok } }\n    expect: { adt-in-web: { contains: ['grant=x&who=A%26B%3Dc+d'] }, adt-in-file: { contains: ['HTTP/1.1 201 Created'] } }\n",
  );
  expect(ran).toMatch(/1 passed/);
});

test('a postprocessor sees each connector, and what became of the message there', async () => {
  const production = imported(
    channel({
      properties: mllpListener(6661, 'Postprocessor'),
      destinations: [
        WARD,
        { ...FILE, name: 'Never', rules: [javaScriptRule('return false;')] },
        { ...WARD, name: 'Refused' },
      ],
      post: `var found = [];
var all = message.getConnectorMessages().entrySet().iterator();
while (all.hasNext()) {
  var one = all.next(), connector = one.getValue();
  found.push(one.getKey() + connector.getConnectorName() + '=' + connector.getStatus());
}
return found.join() + ' ' + message.getConnectorMessages().get(1).getResponseData() + ' ' + message.getConnectorMessages().get(0).getRawData().substring(0, 3);`,
    }),
  );
  expect(marksOf(production)).toEqual([]);
  const ran = await cases(
    production,
    'cases:\n  - name: one\n    message: adt.hl7\n    calls: { adt-in-ward: { code: AA, content: yes sir }, adt-in-refused: { status: error } }\n    expect: { adt-in-ward: 1, adt-in-refused: 1 }\n    reply: { body: said.txt }\n',
    { 'said.txt': '0Source=TRANSFORMED,1Ward=SENT,2Never=FILTERED,3Refused=ERROR yes sir MSH' },
  );
  expect(ran).toMatch(/1 passed/);
});

test('a template is written with the line end that it has, also where nothing else is done to the message', () => {
  const production = imported(
    channel({
      destinations: [{ ...FILE, properties: fileWriter('x', '${message.encodedData}\n') }],
    }),
  );
  expect([...production.files.values()].join('')).toContain(
    'template: "${message.encodedData}\\n"',
  );
});
