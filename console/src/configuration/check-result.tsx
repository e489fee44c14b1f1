import type { ReactElement } from 'react';
import type { CheckReport } from '../../../src/api/contract/files.ts';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { FilePlace } from '../shell/file-place.tsx';
import { Problems } from './comparison.tsx';

/** The results of the check and the test cases for changed files, and which hosts would restart. */
export function CheckResult({
  report: { problems, hosts = [], tests },
}: {
  readonly report: CheckReport;
}): ReactElement {
  const restarts = hosts.filter(({ restart }) => restart).map(({ host }) => host);
  return (
    <div className="flex flex-col gap-2 text-xs">
      <Problems problems={problems} />
      {restarts.length > 0 && (
        <p className="text-ink-2">{t('It restarts {hosts}.', { hosts: restarts.join(', ') })}</p>
      )}
      {tests !== undefined && <TestCount passed={tests.passed} failed={tests.failed} />}
      {tests?.failures.map(({ name, file, line, what }) => (
        <div key={name} className="rounded-md border border-line px-3 py-1.5">
          <FilePlace file={file} line={line} /> <span translate="no">{name}</span>
          <ul className="list-disc pl-5">
            {what.map((one) => (
              <li key={one}>{serverText(one)}</li>
            ))}
          </ul>
        </div>
      ))}
    </div>
  );
}

function TestCount({
  passed,
  failed,
}: {
  readonly passed: number;
  readonly failed: number;
}): ReactElement {
  if (passed + failed === 0)
    return <p className="text-ink-2">{t('The production has no test cases.')}</p>;
  return (
    <p className={failed > 0 ? 'text-bad' : 'text-good'}>
      {t('Test cases: {passed} passed, {failed} failed.', { passed, failed })}
    </p>
  );
}
