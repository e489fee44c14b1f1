import type { ComponentProps, ReactElement } from 'react';

const STYLES = {
  plain:
    'border-line-strong bg-surface text-ink hover:bg-hover aria-pressed:border-accent aria-pressed:bg-accent-soft',
  primary: 'border-accent bg-accent text-accent-ink hover:opacity-90',
  danger: 'border-bad bg-surface text-bad hover:bg-bad-soft',
  quiet: 'border-transparent text-ink-2 hover:bg-hover hover:text-ink',
} as const;

export type ButtonStyle = keyof typeof STYLES;

/** The look of a button with only an icon. */
export const ICON_BUTTON =
  'inline-flex size-8 shrink-0 items-center justify-center rounded-md text-ink-2 hover:bg-hover hover:text-ink';

/** The look of a button, for links that look like one. */
export function buttonStyle(look: ButtonStyle = 'plain'): string {
  return `inline-flex h-7 items-center justify-center gap-1.5 rounded-md border px-2.5 text-xs font-medium whitespace-nowrap select-none disabled:opacity-50 ${STYLES[look]}`;
}

export function Button({
  look = 'plain',
  className = '',
  ...rest
}: ComponentProps<'button'> & { readonly look?: ButtonStyle }): ReactElement {
  return <button type="button" className={`${buttonStyle(look)} ${className}`} {...rest} />;
}
