import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { Comparison } from '../../../src/api/contract/files.ts';
import { LineDiff } from '../diff/line-diff.tsx';
import { CHANGE_NAMES } from '../element/names.ts';
import { Panel } from '../element/page.tsx';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { Changes } from './changes.tsx';

/** Compares two states of the files, by host, then line by line. */
export function ComparisonView({
  comparison: { hosts = [], production = [], problems, files },
}: {
  readonly comparison: Comparison;
}): ReactElement {
  if (hosts.length === 0 && production.length === 0 && files.length === 0)
    return <p className="text-ink-2">{t('They are the same.')}</p>;
  return (
    <div className="flex flex-col gap-3">
      <Problems problems={problems} />
      {production.length > 0 && (
        <Panel title={t('Production')} flush>
          <Changes changes={production} />
        </Panel>
      )}
      {hosts.map(({ host, how, changes, restart }) => (
        <Panel
          key={host}
          title={
            restart
              ? t('{host}: {change}, restarts', { host, change: CHANGE_NAMES[how] })
              : `${host}: ${CHANGE_NAMES[how]}`
          }
          flush
        >
          <Changes changes={changes} />
        </Panel>
      ))}
      <ChangedFiles files={files} />
    </div>
  );
}

/** Each changed file, with the lines around the changes. */
export function ChangedFiles({ files }: Pick<Comparison, 'files'>): ReactElement {
  return (
    <>
      {files.map(({ path, change, lines, cut }) => (
        <Panel key={path} title={`${path}: ${CHANGE_NAMES[change]}`} flush>
          {lines.length > 0 && <LineDiff lines={lines} bare />}
          {cut && (
            <p className="px-3 py-2 text-xs text-ink-2">
              {t('Not all of it is shown: it is too large, or no text.')}
            </p>
          )}
        </Panel>
      ))}
    </>
  );
}

/** The problems found by the check, each with a link to its line. */
export function Problems({ problems }: Pick<Comparison, 'problems'>): ReactElement | null {
  if (problems.length === 0) return null;
  return (
    <ul className="flex flex-col gap-1" aria-label={t('What the check says')}>
      {problems.map(({ file, line, column, path, what, remedy, severity }) => (
        <li
          key={`${file}:${line}:${column} ${path} ${what}`}
          className={`rounded-md border border-line px-3 py-1.5 text-xs ${severity === 'error' ? 'bg-bad-soft' : 'bg-warn-soft'}`}
        >
          <Link
            to="/files"
            search={{ path: file, line: `${line}` }}
            className="mr-2 font-mono text-accent hover:underline"
          >
            {file}:{line}
          </Link>
          {path !== '' && (
            <span className="mr-1 font-mono" translate="no">
              {path}
            </span>
          )}
          {serverText(what)}. {serverText(remedy)}
        </li>
      ))}
    </ul>
  );
}
