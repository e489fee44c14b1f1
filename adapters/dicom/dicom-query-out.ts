import { setImmediate } from 'node:timers/promises';
import {
  type Body,
  EngineError,
  outbound,
  RejectedError,
  type Reply,
  StepFailure,
  setting,
} from 'waybill/adapter';
import { identifierByKeyword, identifierFrom, identifierJson } from 'waybill/document';
import { PeerLink } from 'waybill/peer/tcp';
import type { Asked, Results } from './asked.ts';
import { statusText } from './command.ts';
import { findOffers } from './offered.ts';
import { associationOptions, dicomPeer, ECHO, tryPeer } from './peer-settings.ts';
import { ASKING, queryStatusWords } from './rejection-words.ts';
import { SendingAssociation } from './sending-association.ts';
import { IMPLICIT_LITTLE_ENDIAN, QUERY_CLASS } from './uids.ts';

const QUERY_LIMIT = 1024 * 1024;
/** Identifiers are some hundred bytes each; as JSON, which rules and transforms read up to 32 MB, some four times as much. */
const RESULTS_LIMIT = 8 * 1024 * 1024;
/** How many results are written as JSON before others have their turn. */
const AT_ONCE = 100;

const settings = {
  ...dicomPeer,
  query: setting.choice(
    {
      worklist: 'The worklist of a modality (Modality Worklist)',
      patients: 'Patients of an archive and what it has of them (Patient Root)',
      studies: 'Studies of an archive and what is in them (Study Root)',
    },
    { help: 'What is asked for.', default: 'worklist' },
  ),
  results: setting.integer({
    help: 'How many results are kept. At one more the query is cancelled (C-CANCEL), and the reply has the code MORE.',
    default: 500,
    minimum: 1,
    maximum: 100_000,
  }),
  form: setting.choice(
    {
      standard: 'DICOM JSON (PS3.18 F): {"00100020": {"vr": "LO", "Value": ["4711"]}}',
      keywords: 'Keywords with plain values: {"PatientID": "4711"}',
    },
    { help: 'How the results are written.', default: 'standard' },
  ),
};

type Values = setting.ValuesOf<typeof settings>;

const AGAIN = ['retry', 'fail'];

export default outbound({
  type: 'dicom-query-out',
  title: 'DICOM, querying (C-FIND)',
  summary:
    'Asks a worklist server or an archive (C-FIND) what each message asks for, and returns the results as JSON.',
  settings,
  replies: {
    '0000': 'complete',
    MORE: ['warn', 'complete'],
    A7xx: AGAIN,
    none: AGAIN,
    other: 'fail',
  },
  async open(lent) {
    const { settings: values } = lent;
    const classUid = QUERY_CLASS[values.query];
    const options = associationOptions(lent, ASKING);
    const offers = [ECHO, ...findOffers(classUid)];
    const link = new PeerLink(lent, (socket) => new SendingAssociation(socket, options));
    await link.open();
    // so that operators see a wrong AE title before a query needs the association
    await link.send(lent.signal, (association) => association.associate(offers, lent.signal));
    return {
      async send({ body }, signal) {
        const keys = await keysOf(body, values);
        const identifier = identifierIn(keys);
        // what is wrong with the keys is told before the peer is asked
        identifier(IMPLICIT_LITTLE_ENDIAN);
        const most = { most: values.results, mostBytes: RESULTS_LIMIT };
        const asked: Asked = { classUid, identifier, ...most };
        const results = await link.send(signal, async (association) => {
          if (!association.isOpen) await association.associate(offers, signal);
          return await association.find(asked, signal);
        });
        return await replyOf(results, values);
      },
      close: () => link.close(),
    };
  },
  test: (lent, step) =>
    tryPeer(lent, step, {
      options: associationOptions(lent, ASKING),
      offers: findOffers(QUERY_CLASS[lent.settings.query]),
      further: (association) =>
        step('permission', (detail) => {
          const { query } = lent.settings;
          if (!association.finds(QUERY_CLASS[query])) {
            throw new StepFailure(
              `it does not answer queries for ${query}`,
              'Ask its owner to permit them, or ask another',
            );
          }
          detail(`it answers queries for ${query}`);
        }),
    }),
});

/** The attributes to match, and those to return. Throws RejectedError if the body is no object of JSON. */
async function keysOf(body: Body, { query }: Values): Promise<Record<string, unknown>> {
  if (body.size > QUERY_LIMIT) {
    throw new RejectedError(
      'The query is larger than 1 MB. Send the attributes to match, as a JSON object.',
    );
  }
  const text = Buffer.from(await body.bytes()).toString();
  const keys = objectIn(text);
  if (keys === undefined) {
    throw new RejectedError(
      'The query is no JSON object. Send the attributes to match and to return, such as {"PatientID": "4711", "StudyDate": ""}.',
    );
  }
  const level = LEVELS[query];
  return level === undefined ? keys : { QueryRetrieveLevel: level, ...keys };
}

/** What is asked for if a query does not say it. */
const LEVELS = { worklist: undefined, patients: 'PATIENT', studies: 'STUDY' } as const;

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return value as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Throws RejectedError with the attribute that is wrong. */
const identifierIn =
  (keys: Record<string, unknown>): Asked['identifier'] =>
  (transferSyntax) => {
    try {
      return identifierFrom(keys, transferSyntax);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw new RejectedError(`The query cannot be asked: ${error.message}.`);
    }
  };

async function replyOf(
  { command, dataSets, transferSyntax, more }: Results,
  values: Values,
): Promise<Reply> {
  const standard = values.form === 'standard';
  const text = standard ? identifierJson : identifierByKeyword;
  const results: string[] = [];
  for (const bytes of dataSets) {
    results.push(text({ bytes, transferSyntax }));
    if (results.length % AT_ONCE === 0) await setImmediate();
  }
  const { status, comment } = command;
  const words = more
    ? `there are more than ${dataSets.length} results; the query was cancelled`
    : [queryStatusWords(status), comment].filter(Boolean).join(': ');
  return {
    body: Buffer.from(`[${results.join(',')}]`),
    type: standard ? 'application/dicom+json' : 'application/json',
    code: more ? 'MORE' : statusText(status),
    ...(words !== '' && { text: words }),
  };
}
