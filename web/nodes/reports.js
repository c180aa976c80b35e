// @ts-check
/**
 * Shows what a Good Seed node reports, in a read-only text field of the front end's own kind, below its widgets.
 *
 * A node reports with its output, `ui: {"text": [...]}`, and by the event `goodseed.report` while nodes below it run.
 * The field comes with the first report; it is no input of the node, and neither the workflow nor the prompt holds it.
 */
import { api } from "../../../scripts/api.js"
import { app } from "../../../scripts/app.js"

const FIELD = "goodseed_report"
/** @type {Record<string, string>} */
const LABELS = { en: "report", zh: "报告" }
const LINE = 16
const LETTER = 6.2
const MOST_LINES = 10

/** Each node's text from its last output. @type {WeakMap<object, string>} */
const reports = new WeakMap()
/** What came after it, in the run that goes on. @type {Map<object, Set<string>>} */
const told = new Map()

/** The height that a text wants in a field this wide. @param {string} text @param {number} width */
function heightOf(text, width) {
  const letters = Math.max(20, Math.floor((width - 36) / LETTER))
  const lines = text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / letters)), 0)
  return Math.min(lines, MOST_LINES) * LINE + 24
}

/** @param {any} node @param {string} text */
function addField(node, text) {
  const { widget } = app.widgets.STRING(node, FIELD, ["STRING", { multiline: true }], app)
  const height = heightOf(text, node.size[0])
  widget.label = LABELS[app.extensionManager?.setting?.get("Comfy.Locale")] ?? LABELS.en
  widget.serialize = false
  Object.assign(widget.options, { serialize: false, read_only: true, getMinHeight: () => height })
  if (widget.element) {
    widget.element.readOnly = true
    widget.element.setAttribute("aria-label", widget.label)
  }
  return widget
}

/** Show all that is known of a node. @param {any} node */
function show(node) {
  const text = [reports.get(node), ...(told.get(node) ?? [])].filter(Boolean).join("\n")
  let field = node.widgets?.find((/** @type {any} */ widget) => widget.name === FIELD)
  if (!text && !field) return
  const fresh = !field
  field ??= addField(node, text)
  field.value = text
  if (fresh) node.setSize([node.size[0], Math.max(node.size[1], node.computeSize()[1])])
  node.setDirtyCanvas?.(true, true)
}

/** @param {any} node @param {any} output */
function report(node, output) {
  if (!Array.isArray(output?.text)) return
  reports.set(node, output.text.join("\n"))
  show(node)
}

/** The node of an id such as 7, 50:7 in a subgraph, or with a subgraph's own id before it. @param {string} id */
function nodeOf(id) {
  const path = id.split(":")
  const last = path.pop()
  /** @type {any} */
  let graph = app.rootGraph ?? app.graph
  for (const step of path) graph = graph?.getNodeById(Number(step))?.subgraph ?? graph?.subgraphs?.get(step)
  return graph?.getNodeById(Number(last))
}

/** @param {any} node */
const isOurs = (node) => Boolean(node?.type?.startsWith("GoodSeed"))

app.registerExtension({
  name: "GoodSeed.Reports",
  /** @param {any} nodeType @param {any} nodeData */
  beforeRegisterNodeDef(nodeType, nodeData) {
    if (!nodeData.name.startsWith("GoodSeed")) return
    const onExecuted = nodeType.prototype.onExecuted
    nodeType.prototype.onExecuted = function (/** @type {any} */ output) {
      onExecuted?.apply(this, arguments)
      report(this, output)
    }
  },
  /** Newer front ends: outputs that come back with a workflow's tab. @param {Record<string, any>} outputs */
  onNodeOutputsUpdated(outputs) {
    for (const [id, output] of Object.entries(outputs)) {
      const node = nodeOf(id)
      if (isOurs(node)) report(node, output)
    }
  },
  setup() {
    api.addEventListener("execution_start", () => told.clear())
    api.addEventListener("goodseed.report", (/** @type {any} */ { detail }) => {
      const node = nodeOf(String(detail.node))
      if (!isOurs(node)) return
      told.set(node, (told.get(node) ?? new Set()).add(detail.text))
      show(node)
    })
  },
})
