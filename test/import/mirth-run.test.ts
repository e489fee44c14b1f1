import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, onTestFinished, test, vi } from 'vitest';
import { reprocessCommand, resendCommand } from '../../src/cli/command/resend.ts';
import { withBroker } from '../../src/cli/connect.ts';
import { askAll, askControl } from '../../src/control/control.ts';
import { ENGINE } from '../../src/control/verbs.ts';
import { importMirth } from '../../src/import/mirth/import-mirth.ts';
import { writeProduction } from '../../src/import/production-files.ts';
import { certificates } from '../support/certificates.ts';
import { type Ran, ran } from '../support/command.ts';
import { type ImportedRun, type RunOptions, runImported } from '../support/imported-run.ts';
import { hasMaria, type MariaServer, startMaria } from '../support/maria.ts';
import {
  answersWith,
  channelXml,
  fileWriter,
  javaScript,
  mapper,
  mllpListener,
  mllpSender,
  ruleBuilder,
} from './mirth-export.ts';

const ADT =
  "MSH|^~\\&|EPIC|MAIN|HUB|MAIN|20260115083000||ADT^A01|A1|P|2.5\rPID|1||123^^^MAIN||O'BRIEN^JOHN||19800102|M\r";

async function running(
  channels: readonly string[],
  options: RunOptions = {},
): Promise<ImportedRun> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-imported-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const production = importMirth(
    channels.map((text, index) => ({ name: `${index}.xml`, text })),
    'hub',
  );
  expect(production.report.channels.map(({ state }) => state)).toEqual(
    channels.map(() => 'complete'),
  );
  await writeProduction(production, folder);
  return runImported(folder, options);
}

async function maria(): Promise<MariaServer> {
  await using made = await certificates();
  const server = await startMaria(made.server, made.authority.certificate);
  await server.ask(
    'CREATE DATABASE lab',
    'CREATE TABLE lab.wards (mrn VARCHAR(20) PRIMARY KEY, ward VARCHAR(20))',
    'CREATE TABLE lab.seen (mrn VARCHAR(20), name VARCHAR(40), ward VARCHAR(20))',
    "INSERT INTO lab.wards VALUES ('123', 'NORTH')",
    "CREATE USER hub@'%' IDENTIFIED BY 'a word'",
    "GRANT ALL ON lab.* TO hub@'%'",
  );
  return server;
}

const CONNECT =
  "DatabaseConnectionFactory.createDatabaseConnection('com.mysql.jdbc.Driver', 'jdbc:mysql://db:3306/lab', 'hub', 'x')";

test.skipIf(!(await hasMaria()))(
  'a channel from MLLP to a database, files and MLLP runs, its scripts ask the database',
  async () => {
    await using database = await maria();
    await using run = await running(
      [
        channelXml({
          name: 'ADT In',
          transport: 'TCP Listener',
          properties: mllpListener(6661),
          rules: [ruleBuilder("msg['MSH']['MSH.9']['MSH.9.2'].toString()", 'EQUALS', ["'A01'"])],
          transformer: {
            inbound: 'HL7V2',
            steps: [
              mapper('mrn', "msg['PID']['PID.3']['PID.3.1'].toString()"),
              mapper('name', "msg['PID']['PID.5']['PID.5.1'].toString()"),
              javaScript(
                'ward',
                `var connection = ${CONNECT};
try {
  var rows = connection.executeCachedQuery("SELECT ward FROM wards WHERE mrn = '" + $('mrn') + "'");
  if (rows.next()) $c('ward', rows.getString('ward'));
  msg['PV1']['PV1.3']['PV1.3.1'] = $('ward');
} finally { connection.close(); }`,
              ),
            ],
          },
          destinations: [
            { name: 'Ward', transport: 'TCP Sender', properties: mllpSender() },
            {
              name: 'Depot',
              transport: 'File Writer',
              properties: fileWriter('${mrn}.hl7').replace(
                '/tmp/out',
                "/tmp/out/${date.get('yyyy')}",
              ),
            },
            {
              name: 'Store',
              transport: 'Database Writer',
              properties: `<driver>com.mysql.jdbc.Driver</driver><url>jdbc:mysql://db:3306/lab</url><username>hub</username><useScript>false</useScript><query>INSERT INTO seen (mrn, name, ward) VALUES (\${mrn}, \${name}, NULL)</query>`,
            },
            {
              name: 'Script',
              transport: 'JavaScript Writer',
              properties: `<script>${CONNECT}.executeUpdate("UPDATE seen SET ward = '" + $('ward') + "' WHERE name = '" + $('name').replace(/'/g, "\\\\'") + "'"); return;</script>`,
            },
          ],
        }),
      ],
      {
        database: {
          settings: { connect: `127.0.0.1:${database.port}` },
          user: 'hub',
          password: 'a word',
        },
      },
    );
    expect(await run.send('adt-in-in', ADT)).toMatch(/\rMSA\|AA\|A1/);
    const [sent] = await run.arrive('adt-in-ward', 1);
    expect(sent).toMatch(/\rPID\|1\|\|123\^\^\^MAIN\|\|O'BRIEN\^JOHN\|.*\rPV1\|\|\|NORTH/s);
    expect(await run.arrive('adt-in-depot', 1)).toEqual([sent]);
    await vi.waitFor(
      async () =>
        expect(await database.ask('SELECT mrn, name FROM lab.seen')).toEqual([
          { mrn: '123', name: "O'BRIEN" },
        ]),
      { timeout: 10_000 },
    );
    const rejected = await run.send('adt-in-in', ADT.replace('A01', 'A02').replace('|A1|', '|A2|'));
    expect(rejected).toMatch(/\rMSA\|AR\|A2\|Message Rejected\./);
    await run.send('adt-in-in', ADT.replace('|A1|', '|A3|'));
    expect((await run.arrive('adt-in-ward', 2)).length).toBe(2);
    await vi.waitFor(
      async () =>
        expect(await database.ask("SELECT ward FROM lab.seen WHERE ward = 'NORTH'")).not.toEqual(
          [],
        ),
      { timeout: 10_000 },
    );
  },
);

test('a web channel asks a web server at an address of the message, and gives its answer back', async () => {
  const http = `<host>https://fhir.example/\${kind}/\${id}?v=\${version}</host><method>put</method><headers><entry><string>X-Unit</string><list><string>u-\${kind}</string></list></entry></headers><content>\${message.encodedData}</content><contentType>application/fhir+json</contentType>`;
  await using run = await running(
    [
      channelXml({
        name: 'Web',
        transport: 'HTTP Listener',
        properties: `<listenerConnectorProperties><host>0.0.0.0</host><port>{{WEB_PORT}}</port></listenerConnectorProperties>${answersWith('d1')}<contextPath>/in</contextPath><xmlBody>true</xmlBody><includeMetadata>true</includeMetadata><responseContentType>application/json</responseContentType>`,
        transformer: {
          inbound: 'XML',
          outbound: 'JSON',
          template: '{}',
          steps: [
            javaScript(
              'read',
              `var given = JSON.parse(msg.Content.toString());
channelMap.put('kind', given.resourceType);
channelMap.put('id', given.id + '/x y');
channelMap.put('version', msg.Method);
tmp = { resourceType: given.resourceType, made: true };`,
            ),
          ],
        },
        destinations: [
          {
            name: 'FHIR',
            transport: 'HTTP Sender',
            properties: http,
            transformer: { inbound: 'JSON' },
          },
          {
            name: 'Log',
            transport: 'Channel Writer',
            properties:
              '<channelId>log</channelId><channelTemplate>#if($kind == "Patient")a patient#else other#end $id</channelTemplate><mapVariables><string>kind</string></mapVariables>',
            transformer: { inbound: 'JSON' },
          },
        ],
      }),
      channelXml({
        id: 'log',
        name: 'Log',
        transport: 'Channel Reader',
        properties: '',
        transformer: {
          inbound: 'RAW',
          steps: [javaScript('add', "msg = msg + ' ' + sourceMap.get('kind');")],
        },
        destinations: [
          {
            name: 'File',
            transport: 'File Writer',
            properties: fileWriter('${UUID}.txt'),
            transformer: { inbound: 'RAW' },
          },
        ],
      }),
    ],
    {
      environment: { WEB_PORT: '1' },
      answer: ({ body }) => JSON.stringify({ took: JSON.parse(body) as unknown }),
    },
  );
  expect(await run.send('web-in', '{"resourceType":"Patient","id":"7"}')).toBe(
    '{"took":{"resourceType":"Patient","made":true}}',
  );
  expect(run.requested('web-fhir')).toMatchObject([
    {
      method: 'PUT',
      url: '/Patient/7%2Fx%20y?v=POST',
      headers: { 'x-unit': 'u-Patient', 'content-type': 'application/fhir+json' },
    },
  ]);
  expect(await run.arrive('log-file', 1)).toEqual(['a patient 7/x y Patient']);
});

/** A script that counts its runs. */
const counted = (name: string): string =>
  `var ${name} = ($g('${name}') || 0) + 1; $g('${name}', ${name}); logger.info('${name} ran');`;

test('what failed at a destination waits, also over a kill; a resend or reprocess goes to it alone, a discard to nobody', async () => {
  await using run = await running(
    [
      channelXml({
        name: 'ADT In',
        transport: 'TCP Listener',
        properties: mllpListener(6661),
        transformer: { inbound: 'HL7V2', steps: [javaScript('count', counted('source'))] },
        destinations: [
          { name: 'Ward', transport: 'TCP Sender', properties: mllpSender() },
          {
            name: 'Script',
            transport: 'JavaScript Writer',
            properties: `<script>${counted('writer')} if (writer &lt; 2) throw 'not yet';</script>`,
          },
          {
            name: 'Late',
            transport: 'JavaScript Writer',
            properties: `<script>${counted('late')} if (late &lt; 3) throw 'not yet';</script>`,
          },
          {
            name: 'After',
            transport: 'File Writer',
            properties: fileWriter('${UUID}.txt'),
          },
        ],
      }),
    ],
    { plane: true },
  );
  const runs = (name: string): number => run.output().split(`${name} ran`).length - 1;
  const all = (): number[] => ['source', 'writer', 'late'].map(runs);
  const suspended = async (count: number): Promise<string> =>
    vi.waitFor(
      () => {
        const found = run.output().matchAll(/"suspended","messageId":(\d+)/g);
        const ids = new Set([...found].map(([, id = '']) => id));
        expect(ids.size).toBe(count);
        return [...ids].at(-1) ?? '';
      },
      { timeout: 10_000 },
    );
  const ordered = (command: Command, id: string, ...more: string[]): Promise<Ran> =>
    vi.waitFor(
      async () => {
        const done = await ran(command, [id, ...more, '--data', run.data]);
        // the trace may not have it yet, or the engine may be starting
        expect(done.errors).not.toMatch(/NOT_FOUND|nobody answers/);
        return done;
      },
      { timeout: 20_000, interval: 200 },
    );
  await run.send('adt-in-in', ADT);
  const dropped = await suspended(1);
  expect(all()).toEqual([1, 1, 1]);
  expect(run.output()).not.toContain('not yet');
  const [, session = ''] =
    new RegExp(`"messageId":${dropped},"sessionId":(\\d+)`).exec(run.output()) ?? [];
  const message = { id: Number(dropped), sessionId: Number(session), target: 'adt-in' };
  const reason = 'nobody needs it';
  await withBroker({ data: run.data }, (broker) =>
    askControl(broker, ENGINE.discard, { message, by: 'tester', reason }),
  );
  await run.send('adt-in-in', ADT.replace('|A1|', '|A2|'));
  const first = await suspended(2);
  expect(all()).toEqual([2, 2, 2]);
  // what a target is being sent at the kill may come twice
  await withBroker({ data: run.data }, (broker) =>
    vi.waitFor(async () => {
      const [engine] = await askAll(broker, ENGINE.status, null);
      const queues = engine?.hosts.flatMap(({ queue }) => queue ?? []);
      expect(queues?.map(({ depth }) => depth)).toEqual([0, 0]);
    }),
  );
  await run.killed();
  // what scripts count is gone with the engine
  const still = await ordered(reprocessCommand(), first);
  expect(still.errors).toMatch(/at adt-in, still: the code of adt-in threw UNKNOWN/);
  expect([still.code, ...all()]).toEqual([1, 3, 2, 3]);
  const again = await ordered(resendCommand(), first);
  const second = await suspended(3);
  expect([again.code, ...all()]).toEqual([1, 4, 2, 4]);
  const done = await ordered(reprocessCommand(), second);
  expect(done.errors).toBe('');
  expect([done.code, ...all()]).toEqual([0, 5, 2, 5]);
  expect(await run.arrive('adt-in-ward', 2)).toHaveLength(2);
  expect(await run.arrive('adt-in-after', 2)).toHaveLength(2);
});
