"""AL files -> objects with their sections, properties, variables and procedures.

Every section of every object kind has one shape, `keyword(arguments) { properties, sections, procedures }`,
so one reader serves all; what a keyword means is decided by whoever looks at the tree.
"""

from collections.abc import Collection

from shared.formats.al.symbols.symbols import TypeRef

from .lexer import SourceError, T, Tokens, whole_number
from .statements import MAX_DEPTH, BodyReader
from .syntax import Attribute, Node, ObjectDecl, Procedure, Property, SourceFile, VarDecl


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OBJECT_KINDS = _words("""
    table tableextension page pageextension pagecustomization codeunit report reportextension xmlport query
    enum enumextension interface controladdin permissionset permissionsetextension profile profileextension
    dotnet entitlement requestpage
""")
_SUBJECT_TYPES = _words("""
    record codeunit page report query xmlport enum interface controladdin testpage testrequestpage
    requestpage dotnet
""")
_MODIFIERS = frozenset(("temporary", "withevents", "runonclient", "suppressdispose", "securityfiltering"))
_ACCESS = frozenset(("local", "internal", "protected"))
_PROCEDURES = frozenset(("procedure", "trigger", "event"))


def parse_source(path: str, text: str, symbols: Collection[str] = ()) -> SourceFile:
    """Read one file. Never raises for its content: parts that are no AL are listed in `problems`."""
    try:
        tokens = Tokens(text, symbols)
    except SourceError as error:
        file = SourceFile(path, Tokens(""))
        line = text.count("\n", 0, error.offset) + 1
        file.problems.append((f"line {line}: {error}", 0))
        return file
    file = SourceFile(path, tokens)
    try:
        _Reader(file).file()
    except SourceError as error:
        file.problems.append((str(error), error.offset))
    except RecursionError:
        file.problems.append(("it is nested too deep", 0))
    return file


class _Reader:
    def __init__(self, file: SourceFile) -> None:
        self.source = file
        self.tokens = file.tokens
        self.at = 0
        self._depth = 0
        self.namespace = ""
        self.usings: list[str] = []

    # -- the file and its objects ------------------------------------------------------------------

    def file(self) -> None:
        kinds, lower = self.tokens.kinds, self.tokens.lower
        while kinds[self.at] is not T.END:
            word = lower[self.at] if kinds[self.at] is T.NAME else ""
            if word == "namespace":
                self.at += 1
                self.source.namespace = self.namespace = self._dotted()
            elif word == "using":
                self.at += 1
                self.usings.append(self._dotted())
                self.source.usings.append(self.usings[-1])
            elif word in OBJECT_KINDS:
                self._object_or_problem(word)
            elif self._is("["):
                self._attribute()
            elif self._is(";"):
                self.at += 1
            else:
                raise self._error(f"'{self.tokens.texts[self.at][:30]}' begins no object")

    def _object_or_problem(self, kind: str) -> None:
        """Read an object; one that cannot be read is kept as far as it goes, and the next one looked for."""
        known = len(self.source.objects)
        try:
            self.object(kind)
        except (SourceError, RecursionError) as error:
            message = str(error) if isinstance(error, SourceError) else "it is nested too deep"
            self.source.problems.append((message, getattr(error, "offset", self.tokens.offsets[self.at])))
            for declared in self.source.objects[known:]:
                declared.is_partial = True
            self._depth = 0
            self._skip_to_object()

    def _skip_to_object(self) -> None:
        kinds, lower, texts = self.tokens.kinds, self.tokens.lower, self.tokens.texts
        while kinds[self.at] is not T.END:
            self.at += 1
            begins = kinds[self.at] is T.NAME and lower[self.at] in OBJECT_KINDS and texts[self.at - 1] == "}"
            if begins and kinds[self.at + 1] in (T.NAME, T.QUOTED, T.NUMBER):
                return

    def object(self, kind: str) -> None:
        tokens = self.tokens
        at = tokens.offsets[self.at]
        self.at += 1
        number = 0
        if tokens.kinds[self.at] is T.NUMBER:
            number = whole_number(tokens.texts[self.at])
            self.at += 1
        name, target, target_at = "", "", -1
        interfaces: list[tuple[str, int]] = []
        if kind != "dotnet" or not self._is("{"):
            at = tokens.offsets[self.at]
            name = self._name()
        while self._word() in ("extends", "implements", "customizes"):
            word = self._word()
            self.at += 1
            first, first_at = self._reference()
            if word == "implements" or kind == "interface":
                interfaces.append((first, first_at))
                while self._is(","):
                    self.at += 1
                    interfaces.append(self._reference())
            else:
                target, target_at = first, first_at
        root = Node(kind, at)
        declared = ObjectDecl(
            kind,
            number,
            name,
            at,
            self.namespace,
            list(self.usings),
            target,
            target_at,
            interfaces,
            root,
            self.source,
        )
        self._expect("{")
        self.source.objects.append(declared)
        self._members(root)

    # -- sections ----------------------------------------------------------------------------------

    def _members(self, node: Node) -> None:
        """What stands between braces, up to and including the closing one."""
        self._enter()
        attributes: list[Attribute] = []
        while not self._is("}"):
            if self.tokens.kinds[self.at] is T.END:
                raise self._error("a '{' is not closed")
            if self._is("["):
                attributes.append(self._attribute())
            elif self._is(";"):
                self.at += 1
            else:
                self._member(node, attributes)
                attributes = []
        self.at += 1
        self._depth -= 1

    def _member(self, node: Node, attributes: list[Attribute]) -> None:
        tokens = self.tokens
        if tokens.kinds[self.at] not in (T.NAME, T.QUOTED):
            raise self._error(f"'{tokens.texts[self.at][:30]}' begins no declaration")
        word = self._word()
        following = tokens.lower[self.at + 1]
        if word == "var" or (word == "protected" and following == "var"):
            self.at += 2 if word == "protected" else 1
            self._variables(node.variables, protected=word == "protected")
        elif word in _PROCEDURES and following not in ("=", "(", "{"):
            node.procedures.append(self._procedure("public", attributes))
        elif word in _ACCESS and following in _PROCEDURES:
            self.at += 1
            node.procedures.append(self._procedure(word, attributes))
        elif following == "=" and tokens.kinds[self.at + 1] is T.SIGN:
            self._property(node)
        elif following in ("(", "{"):
            node.children.append(self._section())
        else:
            raise self._error(f"'{tokens.texts[self.at][:30]}' begins no declaration")

    def _section(self) -> Node:
        tokens = self.tokens
        node = Node(tokens.lower[self.at], tokens.offsets[self.at])
        self.at += 1
        if self._is("("):
            self.at += 1
            first, depth = self.at, 0
            while depth or not self._is(")"):
                if tokens.kinds[self.at] is T.END:
                    raise self._error("a '(' is not closed")
                depth += self._is("(") - self._is(")")
                if depth == 0 and self._is(";"):
                    node.arguments.append((first, self.at))
                    first = self.at + 1
                self.at += 1
            node.arguments.append((first, self.at))
            self.at += 1
        if self._is("{"):
            self.at += 1
            self._members(node)
        return node

    def _property(self, node: Node) -> None:
        tokens = self.tokens
        name, at = tokens.lower[self.at], tokens.offsets[self.at]
        self.at += 2
        first = self.at
        while not self._is(";"):
            if tokens.kinds[self.at] is T.END or self._is("}"):
                raise self._error(f"the value of {name} is not closed by ';'")
            self.at += 1
        node.properties[name] = Property(name, at, first, self.at)
        self.at += 1

    # -- variables and types -----------------------------------------------------------------------

    def _variables(self, out: list[VarDecl], *, protected: bool = False) -> None:
        tokens = self.tokens
        while True:
            start = self.at
            while self._is("["):
                self._attribute()
            if tokens.kinds[self.at] not in (T.NAME, T.QUOTED) or tokens.texts[self.at + 1] not in (":", ","):
                self.at = start  # the attributes belong to the procedure that follows
                return
            names = [(self._name_here(), tokens.offsets[self.at])]
            self.at += 1
            while self._is(","):
                self.at += 1
                names.append((self._name_here(), tokens.offsets[self.at]))
                self.at += 1
            self._expect(":")
            declared, subject_at = self._type()
            for name, at in names:
                out.append(VarDecl(name, declared, at, subject_at, protected=protected))
            if self._is(";"):
                self.at += 1

    def _type(self) -> tuple[TypeRef, int]:
        """A type and where its object's name stands (-1 if it has none)."""
        tokens = self.tokens
        dimensions = self._dimensions() if self._word() == "array" else ()
        if tokens.kinds[self.at] not in (T.NAME, T.QUOTED):
            raise self._error("a type is missing")
        name, word = tokens.texts[self.at], self._word()
        subject, subject_id, subject_at, length = "", 0, -1, 0
        arguments: tuple[TypeRef, ...] = ()
        options: tuple[str, ...] = ()
        self.at += 1
        if word in _SUBJECT_TYPES and tokens.kinds[self.at] in (T.NAME, T.QUOTED, T.NUMBER):
            subject_at = tokens.offsets[self.at]
            subject, subject_id = self._subject()
        elif self._is("["):
            length = whole_number(tokens.texts[self.at + 1])
            self._skip_brackets()
        elif word in ("list", "dictionary") and self._word() == "of":
            arguments = self._type_arguments()
        elif word in ("option", "label", "textconst"):
            options = self._tail(word)
        temporary = self._modifiers()
        declared = TypeRef(name, length, subject, subject_id, temporary, dimensions, arguments, options)
        return declared, subject_at

    def _dimensions(self) -> tuple[int, ...]:
        """`array[10, 2] of`."""
        self.at += 1
        self._expect("[")
        sizes = []
        while not self._is("]"):
            if self.tokens.kinds[self.at] is T.END:
                raise self._error("an array's size is not closed")
            if self.tokens.kinds[self.at] is T.NUMBER:
                sizes.append(whole_number(self.tokens.texts[self.at]))
            self.at += 1
        self.at += 1
        self._expect("of")
        return tuple(sizes)

    def _subject(self) -> tuple[str, int]:
        """(name, id) of the object that a type names; one of them."""
        if self.tokens.kinds[self.at] is T.NUMBER:
            text = self.tokens.texts[self.at]
            self.at += 1
            return "", whole_number(text)
        return self._dotted(), 0

    def _type_arguments(self) -> tuple[TypeRef, ...]:
        """`of [Text, Integer]`."""
        self._enter()
        self.at += 1
        self._expect("[")
        arguments = [self._type()[0]]
        while self._is(","):
            self.at += 1
            arguments.append(self._type()[0])
        self._expect("]")
        self._depth -= 1
        return tuple(arguments)

    def _modifiers(self) -> bool:
        """Words behind a type; whether `temporary` is among them."""
        temporary = False
        while self._word() in _MODIFIERS:
            temporary = temporary or self._word() == "temporary"
            self.at += 1
            if self._is("("):
                while not self._is(")") and self.tokens.kinds[self.at] is not T.END:
                    self.at += 1
                self.at += 1
        return temporary

    def _tail(self, word: str) -> tuple[str, ...]:
        """Members of an option; the text and properties of a label are passed over."""
        tokens = self.tokens
        members = []
        while not (self._is(";") or self._is(")")) and tokens.kinds[self.at] is not T.END:
            if self._is("}"):
                break
            if word == "option" and tokens.kinds[self.at] in (T.NAME, T.QUOTED):
                members.append(tokens.texts[self.at])
            self.at += 1
        return tuple(members)

    def _skip_brackets(self) -> None:
        while not self._is("]"):
            if self.tokens.kinds[self.at] is T.END:
                raise self._error("a '[' is not closed")
            self.at += 1
        self.at += 1

    # -- procedures --------------------------------------------------------------------------------

    def _attribute(self) -> Attribute:
        tokens = self.tokens
        self.at += 1
        name, at = self._name_here(), tokens.offsets[self.at]
        self.at += 1
        reader = BodyReader(tokens, self.at)
        arguments = []
        if self._is("("):
            reader.at += 1
            arguments = reader._arguments(")")
        self.at = reader.at
        if self._is(","):  # [A, B]: the further ones carry no rule of ours
            self._skip_brackets()
        else:
            self._expect("]")
        return Attribute(name, arguments, at)

    def _procedure(self, access: str, attributes: list[Attribute]) -> Procedure:
        tokens = self.tokens
        kind = self._word()
        self.at += 1
        found = Procedure(kind, self._name_here(), tokens.offsets[self.at], access, attributes)
        self.at += 1
        while self._is("::") or self._is("."):  # trigger AddIn::Event()
            self.at += 1
            found.name += "::" + self._name()
        self._expect("(")
        while not self._is(")"):
            found.parameters.append(self._parameter())
            if self._is(";"):
                self.at += 1
        self.at += 1
        if tokens.kinds[self.at] in (T.NAME, T.QUOTED) and tokens.texts[self.at + 1] == ":":
            found.return_name = self._name()
        if self._is(":"):
            self.at += 1
            found.returns = self._type()[0]
        if self._is(";"):
            self.at += 1
        if self._word() == "var":
            self.at += 1
            self._variables(found.locals)
        if self._word() == "begin":
            self._body(found)
        return found

    def _parameter(self) -> VarDecl:
        tokens = self.tokens
        by_reference = self._word() == "var" and tokens.texts[self.at + 1] != ":"
        if by_reference:
            self.at += 1
        name, at = self._name_here(), tokens.offsets[self.at]
        self.at += 1
        self._expect(":")
        declared, subject_at = self._type()
        return VarDecl(name, declared, at, subject_at, by_reference)

    def _body(self, procedure: Procedure) -> None:
        """Read the body; one that is not understood is skipped by counting its blocks, and said so."""
        end = self._end_of_block()
        reader = BodyReader(self.tokens, self.at)
        try:
            reader.block(procedure.body)
            if reader.at != end:
                raise self._error("the body ends before its last 'end'")
        except SourceError as error:
            procedure.body.clear()
            procedure.problem = str(error)
            self.source.problems.append((str(error), error.offset))
        self.at = end

    def _end_of_block(self) -> int:
        kinds, lower, texts = self.tokens.kinds, self.tokens.lower, self.tokens.texts
        depth, at = 0, self.at
        while kinds[at] is not T.END:
            if kinds[at] is T.NAME and texts[at - 1] not in (".", "::"):
                word = lower[at]
                if word in ("begin", "case"):
                    depth += 1
                elif word == "end":
                    depth -= 1
                    if depth == 0:
                        return at + 1
            at += 1
        raise self._error("a 'begin' has no 'end'")

    # -- tokens ------------------------------------------------------------------------------------

    def _word(self) -> str:
        return self.tokens.lower[self.at] if self.tokens.kinds[self.at] is T.NAME else ""

    def _is(self, sign: str) -> bool:
        return self.tokens.texts[self.at] == sign and self.tokens.kinds[self.at] is T.SIGN

    def _expect(self, text: str) -> None:
        if (self.tokens.texts[self.at] if self.tokens.kinds[self.at] is T.SIGN else self._word()) != text:
            raise self._error(f"'{text}' is missing")
        self.at += 1

    def _name_here(self) -> str:
        if self.tokens.kinds[self.at] not in (T.NAME, T.QUOTED):
            raise self._error("a name is missing")
        return self.tokens.texts[self.at]

    def _name(self) -> str:
        name = self._name_here()
        self.at += 1
        return name

    def _dotted(self) -> str:
        parts = [self._name()]
        while self._is("."):
            self.at += 1
            parts.append(self._name())
        return ".".join(parts)

    def _reference(self) -> tuple[str, int]:
        at = self.tokens.offsets[self.at]
        if self.tokens.kinds[self.at] is T.NUMBER:
            self.at += 1
            return self.tokens.texts[self.at - 1], at
        return self._dotted(), at

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"it is nested deeper than {MAX_DEPTH} levels")

    def _error(self, message: str) -> SourceError:
        return SourceError(message, self.tokens.offsets[self.at])


def parse_type(tokens: Tokens, at: int) -> TypeRef:
    """The type that begins at token `at`; one that is not understood has the token's text as name."""
    reader = _Reader(SourceFile("", tokens))
    reader.at = at
    try:
        return reader._type()[0]
    except SourceError:
        return TypeRef(tokens.texts[at])
