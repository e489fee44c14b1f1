import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readJdbc, statementOf } from '../../src/import/mirth/databases.ts';
import { cases, channel, FILE, imported, marksOf, problemsOf, stateOf, WARD } from './imported.ts';
import { channelXml, javaScript, mapper } from './mirth-export.ts';

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

const writer = (query: string, url = 'jdbc:postgresql://db.example:5433/lab', more = ''): string =>
  `<driver>org.postgresql.Driver</driver><url>${escaped(url)}</url><username>hub</username><password>opensesame</password><query>${escaped(query)}</query>${more}`;

const reader = (select: string, mode: number, update: string): string =>
  `<driver>com.mysql.cj.jdbc.Driver</driver><url>jdbc:mysql://db.example/lab?useSSL=true</url><username>hub</username><password>opensesame</password><select>${escaped(select)}</select><update>${escaped(update)}</update><updateMode>${mode}</updateMode><aggregateResults>false</aggregateResults><pollConnectorProperties><pollingType>INTERVAL</pollingType><pollingFrequency>5000</pollingFrequency></pollConnectorProperties>`;

const yamlOf = (production: ReturnType<typeof imported>): Record<string, Record<string, unknown>> =>
  parse(production.files.get('production.yaml') ?? '') as Record<string, Record<string, unknown>>;

const CONNECT =
  "DatabaseConnectionFactory.createDatabaseConnection('com.mysql.jdbc.Driver', 'jdbc:mysql://db.example:3306/lab', 'hub', 'opensesame')";

const scripted = (script: string): ReturnType<typeof imported> =>
  imported(channel({ transformer: { inbound: 'HL7V2', steps: [javaScript('script', script)] } }));

test.each([
  [
    'jdbc:postgresql://db.example:5433/lab?sslmode=require',
    { product: 'postgresql', connect: 'db.example:5433', database: 'lab', isEncrypted: true },
  ],
  [
    'jdbc:mysql://localhost/lab?useSSL=false&serverTimezone=UTC',
    { product: 'mysql', connect: 'localhost:3306', database: 'lab', isEncrypted: false },
  ],
  [
    'jdbc:mariadb://db:3307/lab',
    { product: 'mysql', connect: 'db:3307', database: 'lab', isEncrypted: false },
  ],
  [
    'jdbc:sqlserver://db.example;databaseName=lab;encrypt=true',
    { product: 'sqlserver', connect: 'db.example:1433', database: 'lab', isEncrypted: true },
  ],
  [
    String.raw`jdbc\:jtds\:sqlserver\://db\:1444/lab`,
    { product: 'sqlserver', connect: 'db:1444', database: 'lab', isEncrypted: false },
  ],
  [
    'jdbc:postgresql://${env:DB_HOST}:${env:DB_PORT}/lab',
    {
      product: 'postgresql',
      connect: '${env:DB_HOST}:${env:DB_PORT}',
      database: 'lab',
      isEncrypted: false,
    },
  ],
  ['jdbc:oracle:thin:@db:1521:lab', undefined],
])('%s', (url, expected) => {
  expect(readJdbc(url)).toEqual(expected);
});

test('values of a statement are sent apart from its text, whatever is in them', () => {
  expect(
    statementOf(
      `INSERT INTO t (a, b, c) VALUES ('\${name}', \${maps.get('first name')}, \${name}, '{x}');`,
    ),
  ).toEqual({
    statement: `INSERT INTO t (a, b, c) VALUES ({json("/name")}, {json("/first_name")}, {json("/name")}, '{{x}}')`,
    values: { name: '${name}', first_name: "${maps.get('first name')}" },
  });
});

test('values of a message of XML are JSON, as the statement reads them', async () => {
  const transformer = { inbound: 'XML' };
  const production = imported(
    channel({
      transformer: { ...transformer, steps: [mapper('name', "msg['name'].toString()")] },
      destinations: [
        {
          name: 'Store',
          transport: 'Database Writer',
          properties: writer('INSERT INTO t (a) VALUES (${name})'),
          transformer,
        },
      ],
    }),
  );
  const text = 'text: "<a><name>Doe</name></a>", type: application/xml';
  const expected = `{ adt-in-store: [{ type: application/json, contains: '{"name":"Doe"}' }] }`;
  const result = await cases(production, `cases: [{ name: one, ${text}, expect: ${expected} }]\n`);
  expect(result).toMatch(/^1 passed/m);
});

test('a Database Writer is an operation with its statement, and gets values as JSON', async () => {
  const production = imported(
    channel({
      transformer: {
        inbound: 'HL7V2',
        steps: [mapper('name', "msg['PID']['PID.5']['PID.5.1'].toString()")],
      },
      destinations: [
        {
          name: 'Store',
          transport: 'Database Writer',
          properties: writer(
            'INSERT INTO patient (name, raw, none) VALUES (${name}, ${message.encodedData}, ${nothing})',
          ),
        },
      ],
    }),
  );
  expect(stateOf(production)).toBe('complete');
  expect(yamlOf(production)['operations']?.['adt-in-store']).toMatchObject({
    adapter: 'sql-out',
    settings: {
      product: 'postgresql',
      connect: 'db.example:5433',
      database: 'lab',
      security: 'none',
    },
  });
  const ran = await cases(
    production,
    `cases:\n  - name: values\n    message: adt.hl7\n    expect: { adt-in-store: { type: application/json, fields: { /name: DOE }, contains: ['"nothing":null', 'PID|1||123'] } }\n`,
  );
  expect(ran).toMatch(/1 passed/);
  expect([...production.files.values()].join('')).not.toContain('opensesame');
});

test('several statements of a Database Writer are one each, whatever their texts and comments contain', async () => {
  const production = imported(
    channel({
      destinations: [
        {
          name: 'Store',
          transport: 'Database Writer',
          properties: writer(
            "-- first; of two\nDELETE FROM t WHERE a = ';';\nINSERT INTO t VALUES (${name}); -- end\n",
          ),
        },
      ],
    }),
  );
  expect(yamlOf(production)['operations']?.['adt-in-store']).toMatchObject({
    settings: {
      statements: [
        "-- first; of two\nDELETE FROM t WHERE a = ';'",
        'INSERT INTO t VALUES ({json("/name")})',
      ],
    },
  });
  expect((await problemsOf(production)).join('')).not.toContain('more than one');
});

test('a Database Reader is sql-in: each row is the XML that it was', async () => {
  const production = imported(
    channelXml({
      name: 'Orders',
      transport: 'Database Reader',
      properties: reader(
        'SELECT id, code FROM orders WHERE sent = 0;',
        3,
        "UPDATE orders SET sent = 1 WHERE id = '${id}'",
      ),
      transformer: {
        inbound: 'XML',
        steps: [
          javaScript('row', "msg['code'] = msg['code'].toString() + '/' + msg['id'] + msg.name();"),
        ],
      },
      destinations: [{ ...FILE, transformer: { inbound: 'XML' } }],
    }),
  );
  expect(stateOf(production)).toBe('complete');
  expect(yamlOf(production)['services']?.['orders-in']).toMatchObject({
    adapter: 'sql-in',
    settings: {
      product: 'mysql',
      security: 'tls',
      query: 'SELECT id, code FROM orders WHERE sent = 0',
      after: ['UPDATE orders SET sent = 1 WHERE id = {id}'],
      every: '5s',
    },
  });
  const ran = await cases(
    production,
    `cases:\n  - name: a row\n    text: '{"ID":7,"Code":"A<B","none":null}'\n    type: application/json\n    expect: { orders-file: { contains: ["<code>A&lt;B/7result</code></result>"] } }\n`,
  );
  expect(ran).toMatch(/1 passed/);
});

test.each([
  [1, '', /reads the same rows at every poll/],
  [2, 'UPDATE orders SET sent = 1 WHERE sent = 0', /marks all rows at once/],
])(
  'rows of update mode %i need a person, and check fails until then',
  async (mode, update, mark) => {
    const production = imported(
      channelXml({
        name: 'Orders',
        transport: 'Database Reader',
        properties: reader('SELECT id FROM orders', mode, update),
        destinations: [FILE],
      }),
    );
    expect(marksOf(production).join('')).toMatch(mark);
    expect((await problemsOf(production)).join('')).toMatch(/key|after/);
  },
);

test('a statement of a script is an operation; the script runs again with its answer, and does nothing twice', async () => {
  const production = scripted(`var connection = ${CONNECT};
try {
  $g('count', ($g('count') || 0) + 1);
  msg['PID']['PID.5']['PID.5.1'] = msg['PID']['PID.5']['PID.5.1'] + '+';
  var days = 2;
  var name = msg['PID']['PID.5']['PID.5.1'].toString().replace(/O/, "\\\\'");
  var sql = "SELECT ward, bed FROM stays WHERE mrn = '" + msg['PID']['PID.3'][0]['PID.3.1'] + "' AND name LIKE '%" + name + "%' AND days > " + days;
  var rows = connection.executeCachedQuery(sql);
  var all = [];
  while (rows.next()) all.push(rows.getString('WARD') + rows.getInt(2));
  connection.executeUpdate('UPDATE stays SET seen = ? WHERE mrn = ?', ['yes', '123']);
  msg['PID']['PID.5']['PID.5.2'] = all.join(' ') + ' ' + $g('count');
} catch (e) {
  msg['PID']['PID.5']['PID.5.2'] = 'caught';
} finally {
  connection.close();
}`);
  expect(marksOf(production)).toEqual([]);
  expect((await problemsOf(production)).filter((one) => !one.includes('warning'))).toEqual([]);
  const operations = yamlOf(production)['operations'] as Record<
    string,
    { settings?: { statements?: string[] } }
  >;
  expect(operations['adt-in-sql']?.settings?.statements).toEqual([
    'SELECT ward, bed FROM stays WHERE mrn = {json("/0")} AND name LIKE {json("/1")} AND days > {json("/2")}',
  ]);
  expect(operations['adt-in-sql-2']?.settings?.statements).toEqual([
    'UPDATE stays SET seen = {json("/0")} WHERE mrn = {json("/1")}',
  ]);
  const ran = await cases(
    production,
    `cases:
  - name: asked
    message: adt.hl7
    calls:
      adt-in-sql: [{ code: OK, type: application/json, content: '{"count":2,"rows":[{"ward":"W","bed":7},{"ward":"X","bed":null}]}' }]
      adt-in-sql-2: [{ code: OK, type: application/json, content: '{"count":1,"rows":[]}' }]
    expect:
      adt-in-sql: { fields: { /0: "123", /1: "%D'E+%", /2: "2" } }
      adt-in-sql-2: { fields: { /0: "yes", /1: "123" } }
      adt-in-ward: { fields: { PID-5.1: DOE+, PID-5.2: "W7 X0 1" } }
`,
  );
  expect(ran).toMatch(/1 passed/);
});

test('a statement that fails is an exception where the script asked', async () => {
  const production =
    scripted(`try { ${CONNECT}.executeUpdate("DELETE FROM t WHERE id = '" + 1 + "'"); }
catch (e) { msg['PID']['PID.5']['PID.5.1'] = String(e.message).indexOf('DUPLICATE') > 0 ? 'caught' : String(e); }`);
  const ran = await cases(
    production,
    `cases:
  - name: refused
    message: adt.hl7
    calls: { adt-in-sql: [{ status: error, code: DUPLICATE }] }
    expect: { adt-in-sql: 1, adt-in-ward: { fields: { PID-5.1: caught } } }
`,
  );
  expect(ran).toMatch(/1 passed/);
});

test.each([
  ["var q = 'SELECT 1'; q += ' FROM t'; c.executeCachedQuery(q);", /in several steps/],
  ["c.executeCachedQuery('SELECT * FROM ' + $('table'));", /a table or column name is a value/],
  ["c.executeCachedQuery('SELECT 1 FROM t WHERE id IN (' + $('ids') + ')');", /is a list/],
  [
    `c.executeUpdate("UPDATE t SET a = " + ($('a') ? "'" + $('a') + "'" : 'NULL'));`,
    /contains part of the statement/,
  ],
  ["c.executeUpdate($('sql'));", /comes from elsewhere/],
])('%s is marked', async (script, mark) => {
  const production = scripted(`var c = ${CONNECT};\n${script}`);
  expect(marksOf(production).join('')).toMatch(mark);
  expect((await problemsOf(production)).length).toBe(1);
});

test('a pause and the answer of another channel are waited for', async () => {
  const production = imported(
    channel({
      transformer: {
        inbound: 'HL7V2',
        steps: [
          javaScript(
            'wait',
            "java.lang.Thread.sleep(5);\nvar answer = router.routeMessage('Other', 'ping');\nmsg['PID']['PID.5']['PID.5.1'] = answer.getMessage() + answer.getStatus();",
          ),
        ],
      },
      destinations: [WARD],
    }),
    channelXml({
      name: 'Other',
      transport: 'Channel Reader',
      properties:
        '<sourceConnectorProperties><responseVariable>Postprocessor</responseVariable></sourceConnectorProperties>',
      transformer: { inbound: 'RAW' },
      post: "return 'pong';",
      destinations: [{ ...FILE, transformer: { inbound: 'RAW' } }],
    }),
  );
  expect(await problemsOf(production)).toEqual([]);
  const ran = await cases(
    production,
    `cases:\n  - { name: waits, message: adt.hl7, calls: { other: [{ content: pong, type: text/plain }] }, expect: { other: { contains: [ping] }, adt-in-ward: { fields: { PID-5.1: pongSENT } } } }\n`,
  );
  expect(ran).toMatch(/1 passed/);
});
