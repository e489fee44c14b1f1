import { NOTED } from '../../operator/note/note-store.ts';
import { closed, list, maybe, Time, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';

const Text = Type.String({ minLength: 1, maxLength: 2_000, pattern: '\\S' });
const Object = Type.String({ minLength: 1, maxLength: 200 });

export const Note = Type.Object({
  id: Type.Integer(),
  about: word(...NOTED),
  object: Type.String({ description: 'The name of the host, the id of the alert or message.' }),
  at: Time,
  by: Type.String(),
  text: Type.String(),
  edited: maybe(Time),
  own: Type.Boolean({ description: 'Whether the caller wrote it.' }),
});
export type Note = Static<typeof Note>;

export const NoteQuery = closed({
  about: maybe(word(...NOTED)),
  object: maybe(Object),
  by: maybe(Type.String({ minLength: 1, maxLength: 200 })),
  text: maybe(Type.String({ minLength: 1, maxLength: 200, description: 'In any case.' })),
  from: maybe(Time),
  to: maybe(Time),
  before: maybe(Type.Integer({ minimum: 1, description: 'Older than the note with this id.' })),
  limit: maybe(Type.Integer({ minimum: 1, maximum: 500 })),
});

/** Newest first. */
export const Notes = Type.Object({ notes: list(Note), next: maybe(Type.Integer()) });
export type Notes = Static<typeof Notes>;

export const NewNote = closed({ about: word(...NOTED), object: Object, text: Text });
export type NewNote = Static<typeof NewNote>;
export const NoteText = closed({ text: Text });

export const PresenceRequest = closed({
  caughtUp: maybe(Type.Boolean({ description: 'What happened meanwhile was read.' })),
});
export const PresenceAnswer = Type.Object({
  away: maybe(
    Type.Object(
      { from: Time, to: Time },
      { description: 'When the caller was last away for an hour or longer.' },
    ),
  ),
});
export type PresenceAnswer = Static<typeof PresenceAnswer>;
