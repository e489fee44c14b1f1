import { setting } from '../../adapter/index.ts';
import { credentialKinds } from '../../credential/kind/credential-kinds.ts';
import { type BlockValues, block, type Fields, variantSchema } from '../form/block.ts';
import { many, named, raw, shaped } from '../form/form.ts';
import { withMeaning } from '../form/meaning.ts';
import { settingForm } from '../form/setting-form.ts';
import { operationForm, processForm, serviceForm } from './host-settings.ts';
import { ENTRY_NAME, HOST_NAME } from './name-rule.ts';

const text = (help: string) => settingForm(setting.text({ help }));

const settings = block({
  keep: setting.duration({
    help: 'How long settled messages stay in the trace and can be replayed.',
    default: '7d',
  }),
  search: {
    form: named(
      withMeaning(text('An HL7 path, a JSON pointer or an XPath.'), 'message path'),
      ENTRY_NAME,
    ),
    help: 'What operators search by: name → path.',
    example: '{ mrn: PID-3.1, visit: PV1-19.1 }',
  },
  inlineLimit: setting.size({
    help: 'Bodies above this size go to the object store instead of the queue; so does one whose copies for all its targets would together have more than sixteen times this size.',
    default: '256KB',
  }),
  duplicateWindow: setting.duration({
    help: 'The time in which an identical message from the same service is stored once.',
    default: '10m',
  }),
  queueLimit: setting.size({
    help: 'How much a queue may hold before senders are refused.',
    default: '10GB',
  }),
  hopLimit: setting.integer({
    help: 'How many hosts may send a message on, one after another; what would go further is suspended, since hosts that send to each other in a circle would never end.',
    default: 1000,
    minimum: 1,
  }),
  approval: setting.choice(
    {
      none: 'who may deploy applies their own changes',
      required: 'somebody else has to apply them',
    },
    {
      help: 'Whether a change that somebody makes to the files in the console has to be applied by somebody else.',
      default: 'none',
    },
  ),
  testMessages: setting.flag({
    help: 'Whether people may send messages of their own into hosts, marked as tests. They are really sent: do not allow this where patients are treated.',
    default: false,
  }),
  shutdownTimeout: setting.duration({
    help: 'How long a stop waits for what is in flight.',
    default: '120s',
  }),
});

const alerts = block({
  to: {
    form: many(settingForm(setting.target({ help: 'An operation that sends the alert.' }))),
    help: 'The operations that send alerts.',
    needed: true,
    example: '[registrar]',
  },
  every: setting.duration({
    help: 'The shortest time between two alerts about the same thing.',
    default: '15m',
  }),
});

/** One entry under `credentials`. Each kind is declared in src/credential, where it is also read. */
const credentialForm = raw(() =>
  variantSchema(
    'kind',
    'What kind of credential it is.',
    Object.fromEntries(
      Object.entries(credentialKinds).map(([name, kind]) => [name, kind.settings]),
    ),
  ),
);

/** What is loaded while the production runs. */
const loadedLookup = block({
  adapter: setting.text({
    help: "The type of the adapter that loads it, or the file of one of the production's own.",
    example: 'sql-lookup',
  }),
  settings: {
    form: raw(() => ({ type: 'object' })),
    help: "The adapter's settings: `waybill adapters <type>`.",
  },
  every: setting.duration({
    help: 'How long after one load the table is loaded again.',
    default: '5m',
  }),
  stale: setting.duration({
    help: 'How old the rows may become where the source does not answer: then whatever asks the table fails for now and is tried again. Left at forever, the last rows are used for as long as it takes.',
    default: 'forever',
  }),
  comment: setting.optional(setting.text({ help: 'A note for the next reader.' })),
});
type LoadedLookup = NonNullable<ReturnType<(typeof loadedLookup)['read']>>;

const fields = {
  production: setting.text({
    help: 'The name of the production: its streams are named after it, so it must not change.',
    example: 'adt-hub',
  }),
  title: setting.optional(setting.text({ help: 'A name for people.' })),
  comment: setting.optional(setting.text({ help: 'A note that the console shows.' })),
  include: {
    form: many(text('A file pattern below the folder.')),
    help: 'More files, such as one for each host.',
    example: '[hosts/*.yaml]',
  },
  settings: { form: settings, help: 'Settings of the whole production.', always: true },
  credentials: {
    form: named(credentialForm, ENTRY_NAME),
    help: 'How to sign in to peers; secrets come from the environment, a file or the secret store.',
  },
  services: {
    form: named(serviceForm, HOST_NAME),
    help: 'The hosts that take messages in.',
  },
  processes: {
    form: named(processForm, HOST_NAME),
    help: 'The hosts that decide and transform.',
  },
  operations: {
    form: named(operationForm, HOST_NAME),
    help: 'The hosts that send messages out.',
  },
  transforms: {
    form: named(withMeaning(text('A .yaml or .ts file.'), 'path'), ENTRY_NAME),
    help: 'Name → file of each transform.',
    example: '{ adt-to-pharmacy: transforms/adt-to-pharmacy.yaml }',
  },
  records: {
    form: named(withMeaning(text('A .yaml file.'), 'path'), ENTRY_NAME),
    help: 'Name → file of each record map: a layout of delimited or fixed-width text, read and written by the transforms NAME.read, NAME.write and NAME.bad.',
    example: '{ patients: records/patients.yaml }',
  },
  profiles: {
    form: named(withMeaning(text('A .yaml file.'), 'path'), ENTRY_NAME),
    help: 'Name → file of each profile: what messages of a system must satisfy, of HL7 v2 beyond HL7 and with what they may lack, and of EDIFACT.',
    example: '{ ward-adt: profiles/ward-adt.yaml }',
  },
  lookups: {
    form: named(
      shaped<string | LoadedLookup>({
        scalar: withMeaning(text('A .csv file with two columns, or with a header.'), 'path'),
        block: loadedLookup,
      }),
      ENTRY_NAME,
    ),
    help: 'Name → file of each code table, or where it is loaded from.',
    example: '{ wards: lookups/wards.csv }',
  },
  alerts: { form: alerts, help: 'Where alerts go.' },
} as const satisfies Fields;

/** The whole of `production.yaml`: the one description that the check, the schema and the reference page share. */
export const productionForm = block(fields);

export type ProductionValues = BlockValues<typeof fields>;

type FormValue<Key extends keyof ProductionValues> = NonNullable<ProductionValues[Key]>;
export type SettingsGiven = FormValue<'settings'>;

type EntryOf<M> = M extends ReadonlyMap<string, infer Entry> ? Entry : never;

export type ServiceEntry = EntryOf<FormValue<'services'>>;
export type ProcessEntry = EntryOf<FormValue<'processes'>>;
export type OperationEntry = EntryOf<FormValue<'operations'>>;
export type CredentialGiven = EntryOf<FormValue<'credentials'>>;
export type LookupEntry = EntryOf<FormValue<'lookups'>>;
