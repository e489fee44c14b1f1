import type { ReactElement, RefObject } from 'react';
import { t } from '../language/translate.ts';

/** Fields for certificates and keys: files, or their text pasted. */
export function FilesOrText({
  label,
  files,
  pasted,
  rows,
}: {
  readonly label: string;
  readonly files: RefObject<HTMLInputElement | null>;
  readonly pasted: RefObject<HTMLTextAreaElement | null>;
  readonly rows: number;
}): ReactElement {
  return (
    <>
      <label className="flex flex-col gap-1 text-xs font-medium text-ink-2">
        {label}
        <input
          ref={files}
          type="file"
          multiple
          className="text-xs font-normal text-ink-2 file:mr-2 file:h-7 file:cursor-pointer file:rounded-md file:border file:border-line-strong file:bg-surface file:px-2.5 file:text-xs file:text-ink hover:file:bg-hover"
        />
      </label>
      <label className="flex flex-col gap-1 text-xs font-medium text-ink-2">
        {t('Or as text')}
        <textarea
          ref={pasted}
          rows={rows}
          maxLength={200_000}
          spellCheck={false}
          autoComplete="off"
          placeholder="-----BEGIN CERTIFICATE-----"
          className="w-full rounded-md border border-line-strong bg-surface p-2 font-mono text-xs leading-5 font-normal text-ink"
        />
      </label>
    </>
  );
}
