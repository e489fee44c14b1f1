import { closed, Id, list, maybe, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';
import { Diff } from './body.ts';
import { Edits } from './files.ts';
import { JOB_LIMIT, JobRequest } from './job.ts';
import { Explanation, RecordedError } from './message.ts';
import { DecidingPlace, RehearsedGroup } from './rehearsed-group.ts';

const { kind, fields, lines, truncated } = Diff.properties;

/** Files that are tried without being written; for those who may propose such a change. */
const TriedFiles = {
  edits: maybe(Edits),
  draft: maybe(Type.Integer({ description: 'A proposed change.' })),
};

/** Nothing, for the files on disk. */
export const RehearsalRequest = Type.Union([
  closed(TriedFiles),
  Type.Unsafe<null>({ type: 'null' }),
]);

/** What the files on disk would make of a message, compared with what was made of it. Nothing is sent. */
export const Rehearsal = Type.Object({
  messageId: Id,
  service: Type.String(),
  targets: list(
    Type.Object({
      to: Type.String(),
      change: word('same', 'changed', 'added', 'removed'),
      before: maybe(Id),
      kind: maybe(kind),
      fields,
      lines,
      truncated,
    }),
  ),
  processes: list(
    Type.Object({
      process: Type.String(),
      status: word('completed', 'discarded', 'suspended'),
      explain: maybe(Explanation),
      error: maybe(RecordedError),
      places: list(DecidingPlace),
    }),
  ),
  masked: Type.Boolean(),
});
export type Rehearsal = Static<typeof Rehearsal>;

const { list: List, ids, criteria } = JobRequest.properties;

/** Which messages to try, as in a job; later parts give the list and the run returned by the first. */
export const RehearsalsRequest = closed({
  list: List,
  ids,
  criteria,
  ...TriedFiles,
  limit: maybe(
    Type.Integer({
      minimum: 1,
      maximum: JOB_LIMIT,
      description: 'Of a new list the newest so many.',
    }),
  ),
  originals: maybe(
    Type.Boolean({ description: 'Of what matches only what services took in, each once.' }),
  ),
  run: maybe(Type.String({ maxLength: 100, description: '`run` of the previous part.' })),
  after: maybe(
    Type.Integer({
      minimum: 0,
      description: 'How many of the list have been tried: `next` of the previous part.',
    }),
  ),
});
export type RehearsalsRequest = Static<typeof RehearsalsRequest>;

/** What the files on disk would make of the originals of messages, as far as time allowed. Nothing is sent. */
export const Rehearsals = Type.Object({
  list: Type.String({
    description: 'Identifies the frozen list for a day; a job may be made from it.',
  }),
  run: Type.String({ description: 'Identifies the run; the files are read once for each.' }),
  total: Type.Integer({ description: 'Messages on the list.' }),
  complete: Type.Boolean({ description: 'false: more match than a list takes.' }),
  done: Type.Integer({ description: 'Messages tried in this part.' }),
  next: maybe(Type.Integer({ description: '`after` of the next part; left out at the end.' })),
  version: maybe(
    Type.String({ description: 'The version of the files, as needed to apply them.' }),
  ),
  stuck: Type.Boolean({
    description:
      'The code in the files did not finish for the last message tried: check it before continuing.',
  }),
  groups: list(RehearsedGroup),
});
export type Rehearsals = Static<typeof Rehearsals>;
