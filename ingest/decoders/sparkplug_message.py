"""The protobuf messages of Sparkplug B, by the field numbers of its specification."""

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def _describe() -> type[Any]:
    """The messages by the field numbers of the Sparkplug 3.0 specification, section 6.4.

    Data sets, templates and files are left out: protobuf passes over fields that it does not know.
    Texts that are not UTF-8 come as bytes.
    """
    field = descriptor_pb2.FieldDescriptorProto
    scalars = {
        "string": field.TYPE_STRING, "bytes": field.TYPE_BYTES, "uint32": field.TYPE_UINT32,
        "uint64": field.TYPE_UINT64, "float": field.TYPE_FLOAT, "double": field.TYPE_DOUBLE,
        "bool": field.TYPE_BOOL,
    }  # fmt: skip
    messages = {
        "PropertyValue": {
            "type": (1, "uint32"), "is_null": (2, "bool"), "int_value": (3, "uint32"),
            "long_value": (4, "uint64"), "float_value": (5, "float"), "double_value": (6, "double"),
            "boolean_value": (7, "bool"), "string_value": (8, "string"),
        },
        "PropertySet": {"keys": (1, "*string"), "values": (2, "*PropertyValue")},
        "Metric": {
            "name": (1, "string"), "alias": (2, "uint64"), "timestamp": (3, "uint64"),
            "datatype": (4, "uint32"), "is_historical": (5, "bool"), "is_transient": (6, "bool"),
            "is_null": (7, "bool"), "properties": (9, "PropertySet"), "int_value": (10, "uint32"),
            "long_value": (11, "uint64"), "float_value": (12, "float"),
            "double_value": (13, "double"), "boolean_value": (14, "bool"),
            "string_value": (15, "string"), "bytes_value": (16, "bytes"),
        },
        "Payload": {
            "timestamp": (1, "uint64"), "metrics": (2, "*Metric"), "seq": (3, "uint64"),
            "uuid": (4, "string"), "body": (5, "bytes"),
        },
    }  # fmt: skip
    package = "ioc.sparkplug"
    file = descriptor_pb2.FileDescriptorProto(
        name="ioc/sparkplug_b.proto", package=package, syntax="proto2"
    )
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for label, (number, kind) in fields.items():
            plain = kind.removeprefix("*")
            made = message.field.add(name=label, number=number)
            made.label = field.LABEL_REPEATED if kind != plain else field.LABEL_OPTIONAL
            made.type = scalars.get(plain, field.TYPE_MESSAGE)
            if plain not in scalars:
                made.type_name = f".{package}.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.Payload"))


Message: Final = _describe()
"""The protobuf class of a Sparkplug payload."""
