import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { json } from 'node:stream/consumers';
import { expect, test, vi } from 'vitest';
import { allAdapters } from '../../adapters/index.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { readProduction } from '../../src/definition/read.ts';
import { startNats } from '../support/nats.ts';
import { run } from '../support/running.ts';
import { hasModule, PYTHON } from '../support/soap-service.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FOLDER = join(import.meta.dirname, '../../productions/patient-index');
const HIS = '1.2.276.0.76.3.1.9999.1';
const LAB = '1.2.276.0.76.3.1.9999.2';

const header = (type: string, id: string): string =>
  `MSH|^~\\&|RIS|HOUSE|INDEX|HOUSE|20260115080000||${type}|${id}|P|2.5`;

const patient = (id: string, number: string, name: string): string =>
  `${header('ADT^A04^ADT_A01', id)}\rEVN|A04|20260115\rPID|||${number}^PI||${name}^^^^^L||19600101|F\rPV1||O\r`;
const merge = (id: string, number: string, old: string): string =>
  `${header('ADT^A40^ADT_A39', id)}\rEVN|A40|20260115\rPID|||${number}^PI\rMRG|${old}^PI\r`;
const pix = (id: string, number: string, wanted = ''): string =>
  `${header('QBP^Q23^QBP_Q21', id)}\rQPD|IHE PIX Query|${id}|${number}^PI|${wanted}\rRCP|I\r`;
const pdq = (id: string, keys: string): string =>
  `${header('QBP^Q22^QBP_Q21', id)}\rQPD|IHE PDQ Query|${id}|${keys}\rRCP|I\r`;

const v3 = (parameters: string): string =>
  `<id root="1.2.3" extension="Q"/><creationTime value="20260115"/><receiver typeCode="RCV"><device><id root="1.2.4"/></device></receiver><sender typeCode="SND"><device><id root="1.2.5"/></device></sender><controlActProcess classCode="CACT" moodCode="EVN"><queryByParameter><queryId root="1.2.6" extension="1"/><parameterList>${parameters}</parameterList></queryByParameter></controlActProcess>`;
const value = (name: string, content: string): string =>
  `<${name}><value ${content}<semanticsText>${name}</semanticsText></${name}>`;

const id = (root: string, extension: string): string => `root="${root}" extension="${extension}"/>`;

/** What the foreign client is told, and what it prints. */
async function asked(told: Readonly<Record<string, unknown>>) {
  const script = join(import.meta.dirname, '../support/patient-index-client.py');
  const given = { patients: [], queries: [], calls: [], ...told };
  const child = spawn(PYTHON, [script, JSON.stringify(given)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const answers = (await json(child.stdout)) as Record<'feed' | 'v2' | 'v3', object[]>;
  await closed;
  return answers;
}

test.skipIf(!hasModule('hl7') || !hasModule('zeep'))(
  'the example of a patient index: systems tell it their patients and ask it, in HL7 v2 by python3-hl7 and in v3 by zeep',
  async () => {
    await using data = await temporaryFolder('patient-index');
    const file = join(data.path, 'index.db');
    const database = new DatabaseSync(file);
    database.exec(
      'CREATE TABLE patient (number, domain, family, given, born, sex, person, PRIMARY KEY (number, domain))',
    );
    await using nats = await startNats();
    const [feed, v2, soap] = [await freePort(), await freePort(), await freePort()];
    const environment = {
      FEED: `127.0.0.1:${feed}`,
      QUERIES_V2: `127.0.0.1:${v2}`,
      QUERIES_V3: `127.0.0.1:${soap}`,
      INDEX_DB: file,
    };
    const adapters = await allAdapters();
    const { definition, problems } = await readProduction(FOLDER, { adapters, environment });
    if (definition === undefined) throw new Error(JSON.stringify(problems));
    await using _ = await run(nats, definition);
    const places = { feed, v2, v3: `http://127.0.0.1:${soap}/patient-index?wsdl` };

    const patients = [
      patient('F1', '1^^^HIS', 'DOE^JANE'),
      patient('F2', '77^^^LAB', 'DOE^JANE'),
      patient('F3', '78^^^LAB', 'DOE^JANE'),
      patient('F4', '2^^^HIS', "O'NEILL^ÅSA"),
      merge('F5', '77^^^LAB', '78^^^LAB'),
    ];
    const { feed: acknowledged } = await asked({ ...places, patients });
    expect(acknowledged).toMatchObject(patients.map(() => ({ msa: 'AA' })));
    await vi.waitFor(() => {
      const all = database.prepare('SELECT number FROM patient ORDER BY number').all();
      expect(all.map(({ number }) => number)).toEqual(['1', '2', '77']);
    }, 20_000);
    database.close();

    const answers = await asked({
      ...places,
      queries: [
        pix('Q1', '1^^^HIS'),
        pix('Q2', '1^^^HIS', '^^^RIS'),
        pix('Q3', '4^^^HIS'),
        pdq('Q4', "@PID.5.1^O'N*~@PID.7^19600101"),
        pdq('Q5', '@PID.5.1^NOBODY'),
        pdq('Q6', ''),
      ],
      calls: [
        ['PIXManager_PRPA_IN201309UV02', v3(value('patientIdentifier', id(HIS, '1')))],
        ['PIXManager_PRPA_IN201309UV02', v3(value('patientIdentifier', id(HIS, '4')))],
        [
          'PDSupplier_PRPA_IN201305UV02',
          v3(
            value('livingSubjectName', '><family>doe</family></value>') +
              value('livingSubjectBirthTime', 'value="19600101"/>'),
          ),
        ],
      ],
    });
    expect(answers.v2).toEqual([
      {
        type: 'RSP^K23^RSP_K23',
        msa: 'AA',
        qak: 'OK',
        pid: ['PID|||77^^^LAB^PI||^^^^^^S'],
        err: null,
      },
      { type: 'RSP^K23^RSP_K23', msa: 'AA', qak: 'NF', pid: [], err: null },
      {
        type: 'RSP^K23^RSP_K23',
        msa: 'AE',
        qak: 'AE',
        pid: [],
        err: '204^Unknown Key Identifier^HL70357',
      },
      {
        type: 'RSP^K22^RSP_K21',
        msa: 'AA',
        qak: 'OK',
        pid: ["PID|1||2^^^HIS^PI||O'NEILL^ÅSA^^^^^L||19600101|F"],
        err: null,
      },
      { type: 'RSP^K22^RSP_K21', msa: 'AA', qak: 'NF', pid: [], err: null },
      { type: 'RSP^K22^RSP_K21', msa: 'AA', qak: 'NF', pid: [], err: null },
    ]);
    expect(answers.v3).toEqual([
      { type: 'PRPA_IN201310UV02', code: 'AA', status: 'OK', ids: [[LAB, '77']], families: [] },
      { type: 'PRPA_IN201310UV02', code: 'AE', status: 'AE', ids: [], families: [] },
      {
        type: 'PRPA_IN201306UV02',
        code: 'AA',
        status: 'OK',
        ids: [
          [HIS, '1'],
          [LAB, '77'],
        ],
        families: ['DOE', 'DOE'],
      },
    ]);
  },
);
