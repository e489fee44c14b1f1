import { type ComponentProps, type ReactElement, type ReactNode, useId } from 'react';

export const INPUT =
  'h-7 w-full min-w-0 rounded-md border border-line-strong bg-surface px-2 text-sm text-ink placeholder:text-ink-3';

/** A labelled text field. */
export function Field({
  label,
  className = '',
  hint,
  ...rest
}: ComponentProps<'input'> & { readonly label: string; readonly hint?: string }): ReactElement {
  const id = useId();
  return (
    <div className={`flex min-w-0 flex-col gap-1 ${className}`}>
      <label htmlFor={id} className="text-xs font-medium text-ink-2">
        {label}
      </label>
      <input
        id={id}
        className={INPUT}
        {...(hint === undefined ? {} : { 'aria-describedby': `${id}-hint` })}
        {...rest}
      />
      {hint !== undefined && (
        <span id={`${id}-hint`} className="text-2xs text-ink-3">
          {hint}
        </span>
      )}
    </div>
  );
}

/** A labelled choice. */
export function Choice({
  label,
  className = '',
  children,
  ...rest
}: ComponentProps<'select'> & {
  readonly label: string;
  readonly children: ReactNode;
}): ReactElement {
  const id = useId();
  return (
    <div className={`flex min-w-0 flex-col gap-1 ${className}`}>
      <label htmlFor={id} className="text-xs font-medium text-ink-2">
        {label}
      </label>
      <select id={id} className={INPUT} {...rest}>
        {children}
      </select>
    </div>
  );
}
