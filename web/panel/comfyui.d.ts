/** What is used of ComfyUI's front end, 1.27.10 to 1.58.1. */

declare module '*/scripts/app.js' {
  export const app: ComfyApp
}

declare module '*/scripts/api.js' {
  export const api: ComfyApi
}

interface ComfyWidget {
  name: string
  type?: string
  value: unknown
  options?: { values?: unknown }
  callback?: (value: unknown, canvas?: unknown, node?: ComfyNode) => void
  linkedWidgets?: ComfyWidget[]
}

interface ComfyNode {
  id: number | string
  type: string
  title: string
  mode: number
  inputs?: { name: string; widget?: { name: string } }[]
  getInputLink(slot: number): { origin_id: number | string; origin_slot: number } | null
  widgets?: ComfyWidget[]
  imgs?: (HTMLImageElement | HTMLVideoElement)[]
  images?: unknown[]
  imageIndex?: number | null
  overIndex?: number | null
  previewMediaType?: string
  subgraph?: ComfyGraph
  graph?: ComfyGraph
  onWidgetChanged?: (name: string, value: unknown, old: unknown, widget: ComfyWidget) => void
}

interface ComfyGraph {
  nodes: ComfyNode[]
  subgraphs?: Map<string, ComfyGraph>
  getNodeById(id: number): ComfyNode | null | undefined
  inputs?: { name: string }[]
  setDirtyCanvas(foreground: boolean, background: boolean): void
}

interface ComfyCanvas {
  selected_nodes?: Record<string, ComfyNode>
  selectedItems?: Set<unknown>
  emitBeforeChange?(): void
  emitAfterChange?(): void
}

interface ComfyCommand {
  id: string
  label: string
  icon?: string
  function: () => void | Promise<void>
}

interface ComfyMenuItem {
  content: string
  callback: () => void
}

interface ComfyExtension {
  name: string
  commands?: ComfyCommand[]
  keybindings?: { combo: { key: string; ctrl?: boolean; alt?: boolean; shift?: boolean }; commandId: string }[]
  menuCommands?: { path: string[]; commands: string[] }[]
  settings?: { id: string; name: string; tooltip?: string; category?: string[]; type: string; defaultValue: unknown }[]
  setup?: () => void | Promise<void>
  afterConfigureGraph?: () => void
  beforeRegisterNodeDef?: (nodeType: any, nodeData: any) => void
  onNodeOutputsUpdated?: (outputs: Record<string, any>) => void
  getNodeMenuItems?: (node: ComfyNode) => (ComfyMenuItem | null)[]
  getSelectionToolboxCommands?: (item: unknown) => string[]
}

interface ComfySidebarTab {
  id: string
  icon: string
  title: string
  tooltip?: string
  type: 'custom'
  render: (element: HTMLElement) => void
  destroy?: () => void
}

type ToastKind = 'success' | 'info' | 'error'

interface ComfyApp {
  graph: ComfyGraph
  rootGraph?: ComfyGraph
  canvas: ComfyCanvas
  widgets: Record<string, (...given: any[]) => any>
  nodeOutputs: Record<string, { images?: unknown[] } | undefined>
  extensionManager: {
    registerSidebarTab(tab: ComfySidebarTab): void
    sidebarTab: { activeSidebarTabId: string | null }
    setting: { get(id: string): any; set(id: string, value: unknown): Promise<void> }
    command: { execute(id: string): Promise<void> }
    toast: Partial<Record<ToastKind, (text: string, options?: { duration?: number }) => void>> & {
      add?(message: { severity: string; summary: string; life?: number }): void
    }
  }
  registerExtension(extension: ComfyExtension): void
  collectNodeMenuItems?(node: ComfyNode): unknown
  graphToPrompt(): Promise<{ output: Record<string, ComfyPromptNode>; workflow: unknown }>
  queuePrompt(number: number): Promise<boolean>
  loadGraphData(workflow: unknown, clean: boolean, restoreView: boolean, name: string): Promise<unknown>
  loadApiJson(prompt: unknown, name: string): Promise<void> | void
}

interface ComfyPromptNode {
  class_type: string
  inputs: Record<string, unknown>
}

interface ComfyApi extends EventTarget {
  clientId?: string
  fetchApi(route: string, options?: RequestInit): Promise<Response>
  apiURL(route: string): string
}
