import { type Document, defineProcess, type ProcessContext, type ProcessReply } from 'waybill';

/** A number of a patient, and the system that gave it. */
interface PatientNumber {
  readonly number: string;
  readonly domain: string;
}

interface Patient extends PatientNumber {
  readonly family: string;
  readonly given: string;
  readonly born: string;
  readonly sex: string;
}

/** What is asked, whatever the language: numbers of one person, or persons by what is known of them. */
type Query =
  | { readonly of: PatientNumber; readonly wanted: readonly string[] }
  | { readonly like: Record<'family' | 'given' | 'born' | 'sex' | 'number', string> };

/** What was found: undefined means that the index does not know the patient. */
interface Found {
  readonly numbers?: readonly PatientNumber[] | undefined;
  readonly patients?: readonly Patient[];
}

export default defineProcess(async (message, context) => {
  const document = message.document();
  const language = message.type.startsWith('HL7v2') ? V2 : V3;
  return await language.answer(
    document,
    await find(language.query(document, context), context),
    context,
  );
});

async function find(query: Query, context: ProcessContext): Promise<Found> {
  if ('like' in query) {
    // nobody gets the whole index
    if (Object.values(query.like).every((value) => value === '')) return { patients: [] };
    return { patients: await rows<Patient>(context, 'patients', query.like) };
  }
  const all = await rows<PatientNumber>(context, 'numbers', query.of);
  if (all.length === 0) return {};
  const { wanted, of } = query;
  const isWanted = ({ domain }: PatientNumber): boolean =>
    wanted.length > 0 ? wanted.includes(domain) : domain !== of.domain;
  return { numbers: all.filter(isWanted) };
}

async function rows<Row>(context: ProcessContext, target: string, body: object): Promise<Row[]> {
  const answer = await context.call(target, {
    body: JSON.stringify(body),
    type: 'application/json',
  });
  if (answer.status !== 'completed') throw new Error('the index did not answer');
  const { rows: found } = JSON.parse(new TextDecoder().decode(answer.body)) as { rows: Row[] };
  return found;
}

/** How the answer begins: an unknown number is an error, finding nothing is none. */
function verdict({ numbers, patients }: Found) {
  const count = (numbers ?? patients ?? []).length;
  if (numbers === undefined && patients === undefined) return { code: 'AE', status: 'AE', count };
  return { code: 'AA', status: count > 0 ? 'OK' : 'NF', count };
}

async function timeNow(context: ProcessContext): Promise<string> {
  return new Date(await context.now()).toISOString().replaceAll(/\D/g, '').slice(0, 14);
}

/** `QBP^Q23^QBP_Q21` and `QBP^Q22^QBP_Q21` (ITI-9, ITI-21), answered with RSP^K23 and RSP^K22. */
const V2 = {
  query(document: Document): Query {
    if (document.get('MSH-9.2') === 'Q23') {
      const wanted = document.all('QPD-4').map((domain) => domain.split('^')[3] ?? '');
      return {
        of: { number: document.get('QPD-3.1'), domain: document.get('QPD-3.4.1') },
        wanted: wanted.filter((domain) => domain !== ''),
      };
    }
    // QPD-3 repeats: @PID.5.1^DOE~@PID.7^19600101
    const given = new Map(document.all('QPD-3').map((one) => one.split('^') as [string, string]));
    const like = (name: string): string => given.get(`@PID.${name}`) ?? '';
    const [number, born] = [like('3.1') || like('3'), like('7.1') || like('7')];
    return { like: { family: like('5.1'), given: like('5.2'), born, sex: like('8'), number } };
  },

  async answer(query: Document, found: Found, context: ProcessContext): Promise<ProcessReply> {
    const value = (path: string): string => escaped(query.get(path));
    const event = value('MSH-9.2') === 'Q23' ? 'RSP^K23^RSP_K23' : 'RSP^K22^RSP_K21';
    const { code, status, count } = verdict(found);
    const keys = [1, 2, 3, 4].map((n) => query.all(`QPD-${n}`).join('~'));
    const lines = [
      `MSH|^~\\&|${value('MSH-5')}|${value('MSH-6')}|${value('MSH-3')}|${value('MSH-4')}|${await timeNow(context)}||${event}|A${value('MSH-10')}|${value('MSH-11')}|${value('MSH-12')}||||||UNICODE UTF-8`,
      `MSA|${code}|${value('MSH-10')}`,
      ...(code === 'AE' ? ['ERR||QPD^1^3^1^1|204^Unknown Key Identifier^HL70357|E'] : []),
      `QAK|${value('QPD-2')}|${status}|${keys[0]}|${count}|${count}|0`,
      // the query comes back as it was asked
      `QPD|${keys.join('|')}`,
      ...patientSegments(found),
    ];
    const type = `HL7v2:${event.slice(0, 3)}_${event.slice(4, 7)}:${value('MSH-12')}`;
    return { body: `${lines.join('\r')}\r`, type, code };
  },
};

const identifier = ({ number, domain }: PatientNumber): string =>
  `${escaped(number)}^^^${escaped(domain)}^PI`;

/** One PID with all numbers of a person, or one for each patient. */
function patientSegments({ numbers = [], patients }: Found): readonly string[] {
  if (patients === undefined) {
    return numbers.length > 0 ? [`PID|||${numbers.map(identifier).join('~')}||^^^^^^S`] : [];
  }
  return patients.map((one, n) => {
    const name = `${escaped(one.family)}^${escaped(one.given)}^^^^^L`;
    return `PID|${n + 1}||${identifier(one)}||${name}||${escaped(one.born)}|${escaped(one.sex)}`;
  });
}

const ESCAPES: Readonly<Record<string, string>> = {
  '|': 'F',
  '^': 'S',
  '&': 'T',
  '~': 'R',
  '\\': 'E',
};
const escaped = (text: string): string =>
  text.replaceAll(/[|^&~\\]/g, (character) => `\\${ESCAPES[character]}\\`);

/** PRPA_IN201309UV02 and PRPA_IN201305UV02 (ITI-45, ITI-47), answered with PRPA_IN201310UV02 and PRPA_IN201306UV02. */
const V3 = {
  query(document: Document, context: ProcessContext): Query {
    const domain = (oid: string): string => context.lookup('domains', oid, oid);
    if (isPix(document)) {
      return {
        of: {
          number: document.get(`${named('patientIdentifier')}/value/@extension`),
          domain: domain(document.get(`${named('patientIdentifier')}/value/@root`)),
        },
        wanted: document.all(`${named('dataSource')}/value/@root`).map(domain),
      };
    }
    return {
      like: {
        family: document.get(`${named('livingSubjectName')}/value/family`),
        given: document.get(`${named('livingSubjectName')}/value/given`),
        born: document.get(`${named('livingSubjectBirthTime')}/value/@value`),
        sex: document.get(`${named('livingSubjectAdministrativeGender')}/value/@code`),
        number: document.get(`${named('livingSubjectId')}/value/@extension`),
      },
    };
  },

  async answer(query: Document, found: Found, context: ProcessContext): Promise<ProcessReply> {
    const { numbers, patients } = found;
    const id = ({ number, domain }: PatientNumber): string =>
      `<id root="${xml(context.lookup('oids', domain, domain))}" extension="${xml(number)}"/>`;
    const persons =
      patients?.map(
        (one) =>
          `${id(one)}<statusCode code="active"/><patientPerson><name><family>${xml(one.family)}</family><given>${xml(one.given)}</given></name><administrativeGenderCode code="${xml(one.sex)}"/><birthTime value="${xml(one.born)}"/></patientPerson>`,
      ) ??
      (numbers !== undefined && numbers.length > 0
        ? [
            `${numbers.map(id).join('')}<statusCode code="active"/><patientPerson><name nullFlavor="NA"/></patientPerson>`,
          ]
        : []);
    const name = isPix(query) ? 'PRPA_IN201310UV02' : 'PRPA_IN201306UV02';
    const { code, status } = verdict(found);
    const asked = query.get('/*/id/@extension');
    const time = await timeNow(context);
    const device = (path: string): string =>
      `<device classCode="DEV" determinerCode="INSTANCE"><id root="${xml(query.get(`/*/${path}/device/id/@root`))}"/></device>`;
    return {
      type: 'application/xml',
      body: `<${name} xmlns="urn:hl7-org:v3" ITSVersion="XML_1.0"><id root="${xml(query.get('/*/id/@root'))}" extension="A${xml(asked)}"/><creationTime value="${time}"/><interactionId root="2.16.840.1.113883.1.6" extension="${name}"/><processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="NE"/><receiver typeCode="RCV">${device('sender')}</receiver><sender typeCode="SND">${device('receiver')}</sender><acknowledgement><typeCode code="${code}"/><targetMessage><id root="${xml(query.get('/*/id/@root'))}" extension="${xml(asked)}"/></targetMessage>${code === 'AE' ? '<acknowledgementDetail typeCode="E"><code code="204" codeSystem="2.16.840.1.113883.12.357"/><location>/PRPA_IN201309UV02/controlActProcess/queryByParameter/parameterList/patientIdentifier/value</location></acknowledgementDetail>' : ''}</acknowledgement><controlActProcess classCode="CACT" moodCode="EVN"><code code="${name.replace('IN', 'TE')}" codeSystem="2.16.840.1.113883.1.6"/>${persons.map((one) => `<subject typeCode="SUBJ"><registrationEvent classCode="REG" moodCode="EVN"><statusCode code="active"/><subject1 typeCode="SBJ"><patient classCode="PAT">${one}</patient></subject1></registrationEvent></subject>`).join('')}<queryAck><queryId root="${xml(query.get('//queryId/@root'))}" extension="${xml(query.get('//queryId/@extension'))}"/><queryResponseCode code="${status}"/></queryAck></controlActProcess></${name}>`,
    };
  },
};

const named = (name: string): string => `//parameterList/${name}`;

const isPix = (document: Document): boolean => document.has('/PRPA_IN201309UV02');

const xml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
