import { CircleAlert, Info } from 'lucide-react';
import type { ReactElement, ReactNode } from 'react';
import { ApiProblem } from '../api/client.ts';
import { t } from '../language/translate.ts';

/** What went wrong, in the API's words, which say what, where and what to do. */
export function Problem({ error }: { readonly error: unknown }): ReactElement {
  const code = error instanceof ApiProblem ? error.code : undefined;
  return (
    <div
      role="alert"
      className="flex items-start gap-2 rounded-md border border-bad/40 bg-bad-soft px-3 py-2 text-ink"
    >
      <CircleAlert size={16} className="mt-0.5 shrink-0 text-bad" aria-hidden="true" />
      <div className="min-w-0">
        <span className="break-words">
          {error instanceof Error ? error.message : t('Something went wrong.')}
        </span>
        {code !== undefined && <span className="ml-2 font-mono text-2xs text-ink-2">{code}</span>}
      </div>
    </div>
  );
}

/** Says that there is nothing, and what that means. */
export function Nothing({ children }: { readonly children: ReactNode }): ReactElement {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-12 text-center text-ink-2">
      <Info size={20} className="text-ink-3" aria-hidden="true" />
      <div className="max-w-md">{children}</div>
    </div>
  );
}

/** What a person should know before going on. */
export function Warning({ children }: { readonly children: ReactNode }): ReactElement {
  return (
    <p role="status" className="rounded-md border border-line bg-warn-soft px-3 py-2 text-warn">
      {children}
    </p>
  );
}

/** A new secret: it is shown only once, to be copied. */
export function ShownOnce({ children }: { readonly children: ReactNode }): ReactElement {
  return (
    <p
      role="status"
      className="mb-3 flex flex-wrap items-center gap-2 rounded-md bg-warn-soft px-3 py-2"
    >
      {children}
    </p>
  );
}

/** Shown until the first answer arrives, but only after a moment, so that a quick answer does not flicker. */
export function Waiting(): ReactElement {
  return (
    <div className="px-4 py-10 text-center text-ink-3" role="status">
      {t('Loading…')}
    </div>
  );
}

/** Shown in place of a missing answer: that it is loading, or why there is none. Nothing once there is one. */
export function Pending({
  answer,
  error,
}: {
  readonly answer: unknown;
  readonly error: unknown;
}): ReactNode {
  if (error !== null) return <Problem error={error} />;
  return answer === undefined ? <Waiting /> : null;
}
