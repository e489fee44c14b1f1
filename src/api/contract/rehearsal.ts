import { Id, list, maybe, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';
import { Diff } from './body.ts';
import { Explanation, RecordedError } from './message.ts';

const { kind, fields, lines, truncated } = Diff.properties;

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
    }),
  ),
  masked: Type.Boolean(),
});
export type Rehearsal = Static<typeof Rehearsal>;
