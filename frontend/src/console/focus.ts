/** For a field in which one wants to type as soon as it is there: the browser does this for whole pages only. */
export function takeFocus(field: HTMLElement | null): void {
  field?.focus()
}
