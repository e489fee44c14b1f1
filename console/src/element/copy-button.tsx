import { Check, Copy } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import { t } from '../language/translate.ts';

/** Copies a text and confirms it. With `quiet` it is only visible on hover or focus, inside a `group`. */
export function CopyButton({
  text,
  label,
  quiet = false,
}: {
  readonly text: string;
  readonly label: string;
  readonly quiet?: boolean;
}): ReactElement {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await toClipboard(text);
    } catch {
      // NotAllowedError: the browser forbids it, and nothing is confirmed
      return;
    }
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <button
      type="button"
      onClick={() => void copy()}
      aria-label={copied ? t('Copied') : label}
      title={label}
      className={`inline-flex size-5 shrink-0 items-center justify-center rounded text-ink-3 hover:bg-hover hover:text-ink ${quiet ? 'opacity-0 group-hover:opacity-100 focus-visible:opacity-100 pointer-coarse:opacity-100' : ''}`}
    >
      {copied ? (
        <Check size={13} className="text-good" aria-hidden="true" />
      ) : (
        <Copy size={13} aria-hidden="true" />
      )}
    </button>
  );
}

/** A page without TLS does not have the modern clipboard. */
async function toClipboard(text: string): Promise<void> {
  const { clipboard } = navigator as { readonly clipboard?: Clipboard };
  if (clipboard !== undefined) return clipboard.writeText(text);
  const field = document.createElement('textarea');
  field.value = text;
  // while a dialog is open, nothing outside it can take the focus
  (document.querySelector('dialog[open]') ?? document.body).append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
  return undefined;
}
