import { setting } from '../../adapter/index.ts';
import { many } from '../form/form.ts';
import { meaning, withMeaning } from '../form/meaning.ts';
import { settingForm, textAt } from '../form/setting-form.ts';

/** What a router asks of a message before its rules. */
export const checkSettings = {
  validate: {
    ...setting.choice(
      {
        none: 'messages are accepted as they are',
        structure:
          'segments must be those of the message type, in order; of FHIR in JSON, elements, types and cardinality',
        full: 'also fields, lengths, tables and cardinality; of FHIR, codes, references and invariants',
      },
      {
        help: 'What an HL7 message or FHIR resource must satisfy before it is processed.',
        default: 'none',
      },
    ),
    change: 'next message',
  },
  fhirVersion: {
    ...setting.choice(
      { R4: '4.0.1', R4B: '4.3.0', R5: '5.0.0' },
      { help: 'By which version of FHIR resources are validated.', default: 'R4' },
    ),
    change: 'next message',
  },
  profile: {
    form: many(
      withMeaning(settingForm(setting.text({ help: 'The name of a profile.' })), 'profile'),
    ),
    help: 'The profiles that an HL7 or EDIFACT message must satisfy before it is processed, whatever validate says; each is about the messages that it names.',
    example: '[ward-adt]',
    change: 'next message',
  },
  invalid: {
    form: { read: textAt, schema: () => ({ type: 'string', ...meaning('target') }) },
    help: 'What happens to a message that does not validate: suspend, or a target. Default suspend.',
    example: 'suspend',
    preset: 'suspend',
    change: 'next message',
  },
} as const;
