import type { VersionOrigin } from '../../definition/history/kept-version.ts';
import { closed, list, maybe, Reason, Time, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';
import { Diff } from './body.ts';
import { ReloadReport } from './host.ts';
import { RehearsedGroup } from './rehearsed-group.ts';

const ORIGINS = [
  'start',
  'apply',
  'watch',
  'edit',
  'roll-back',
  'set-aside',
] as const satisfies VersionOrigin[];

export const PathsQuery = closed({
  beginning: Type.String({ maxLength: 60, description: 'Of an HL7 path: PID-3.' }),
});

/** What may follow in an HL7 path. */
export const Paths = Type.Object({
  paths: list(
    Type.Object({
      path: Type.String(),
      name: Type.String(),
      about: maybe(Type.String({ description: 'Type, usage and table, as Markdown.' })),
    }),
  ),
});
export type Paths = Static<typeof Paths>;

const Version = Type.String({ minLength: 1, maxLength: 100 });
export const VersionParameters = closed({ version: Version });

/** What was applied, and by whom. */
export const History = Type.Object({
  versions: list(
    Type.Object({
      version: Type.String(),
      at: Time,
      by: Type.String(),
      origin: word(...ORIGINS),
      reason: maybe(Type.String()),
      commit: maybe(
        Type.Object({
          id: Type.String(),
          changed: Type.Boolean({ description: 'Whether files differed from it.' }),
        }),
      ),
      warnings: Type.Integer(),
      files: Type.Integer({ description: 'How many.' }),
    }),
  ),
});
export type History = Static<typeof History>;

export const ComparisonQuery = closed({
  before: maybe(Version),
  after: maybe(Version),
});

const Problem = Type.Object({
  file: Type.String(),
  line: Type.Integer(),
  column: Type.Integer(),
  path: Type.String(),
  what: Type.String(),
  remedy: Type.String(),
  severity: word('error', 'warning'),
});

const { hosts, production } = ReloadReport.properties;

/** Two states of the files, host by host and line by line. */
export const Comparison = Type.Object({
  hosts: maybe(hosts),
  production: maybe(production),
  problems: list(Problem),
  files: list(
    Type.Object({
      path: Type.String(),
      change: word('added', 'removed', 'changed'),
      lines: Diff.properties.lines,
      cut: Type.Boolean({ description: 'Too large, or not text: not all of it is shown.' }),
    }),
  ),
});
export type Comparison = Static<typeof Comparison>;

export const RollBackRequest = closed({ reason: Reason, leaveWaiting: maybe(Type.Boolean()) });
export type RollBackRequest = Static<typeof RollBackRequest>;

export const FilesQuery = closed({ version: maybe(Version) });
export const FileQuery = closed({
  version: maybe(Version),
  path: Type.String({ minLength: 1, maxLength: 1_000 }),
});

const FileProperties = {
  path: Type.String(),
  hash: Type.String(),
  bytes: Type.Integer(),
  editable: Type.Boolean(),
};
export const Files = Type.Object({ files: list(Type.Object(FileProperties)) });
export type Files = Static<typeof Files>;

export const FileText = Type.Object({
  ...FileProperties,
  text: maybe(Type.String({ description: 'Left out if it is too large, or not text.' })),
});
export type FileText = Static<typeof FileText>;

/** The most bytes of a file, and of all files together, in one request. */
const TEXT_LIMIT = 400 * 1024;

export const Edits = list(
  closed({
    path: Type.String({ minLength: 1, maxLength: 1_000 }),
    text: maybe(
      Type.String({ maxLength: TEXT_LIMIT, description: 'If left out, the file is removed.' }),
    ),
    was: maybe(
      Type.String({
        maxLength: 64,
        description: '`hash` of the opened file; left out for a new one.',
      }),
    ),
  }),
  { maxItems: 50 },
);

export const CheckRequest = closed({ edits: Edits, tests: maybe(Type.Boolean()) });
export type CheckRequest = Static<typeof CheckRequest>;

export const CheckReport = Type.Object({
  problems: list(Problem),
  hosts: maybe(hosts),
  production: maybe(production),
  tests: maybe(
    Type.Object({
      passed: Type.Integer(),
      failed: Type.Integer(),
      failures: list(
        Type.Object({
          name: Type.String(),
          file: Type.String(),
          line: Type.Integer(),
          what: list(Type.String()),
        }),
      ),
    }),
  ),
});
export type CheckReport = Static<typeof CheckReport>;

export const DraftRequest = closed({
  edits: Edits,
  reason: Reason,
  trial: maybe(
    Type.String({
      maxLength: 100,
      description: '`run` of a trial of these edits: its result is shown to who decides.',
    }),
  ),
});
export type DraftRequest = Static<typeof DraftRequest>;

export const DRAFT_STATES = ['open', 'applied', 'refused'] as const;

export const Draft = Type.Object({
  id: Type.Integer(),
  by: Type.String(),
  at: Time,
  reason: Type.String(),
  state: word(...DRAFT_STATES),
  decidedBy: maybe(Type.String()),
  decidedAt: maybe(Time),
  paths: list(Type.String()),
});
export type Draft = Static<typeof Draft>;

export const Drafts = Type.Object({
  drafts: list(Draft),
  approval: Type.Boolean({ description: 'Whether a different person has to apply it.' }),
});
export type Drafts = Static<typeof Drafts>;

export const DraftView = Type.Object({
  ...Draft.properties,
  files: Comparison.properties.files,
  check: maybe(CheckReport),
  trial: maybe(
    Type.Object(
      {
        by: Type.String(),
        at: Time,
        total: Type.Integer(),
        done: Type.Integer(),
        groups: list(RehearsedGroup),
      },
      { description: 'What its author saw when it was tried on real messages.' },
    ),
  ),
});
export type DraftView = Static<typeof DraftView>;

export const DecisionRequest = closed({ leaveWaiting: maybe(Type.Boolean()) });

export const ChangedReport = Type.Object({
  written: list(Type.String()),
  version: Type.String(),
  restarts: list(Type.String()),
});
export type ChangedReport = Static<typeof ChangedReport>;
