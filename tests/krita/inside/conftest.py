"""Documents of the real Krita."""

import pytest
from krita import Krita


class Desk:
    """Makes documents and closes them."""

    def __init__(self):
        self.application = Krita.instance()
        self.application.setBatchmode(True)
        self.documents = []

    def document(self, model="RGBA", depth="U8", *, width=40, height=30, resolution=72.0):
        """A document without layers of its own, unmodified."""
        document = self.application.createDocument(
            width, height, "test", model, depth, "", resolution
        )
        for node in document.rootNode().childNodes():
            node.remove()
        document.setModified(False)
        self.documents.append(document)
        return document

    def layer(self, document, name, bgra, box, *, like_document=True):
        """A paint layer with these sRGB pixels, on top, in the document's colour space."""
        node = document.createNode(name, "paintlayer")
        space = node.colorModel(), node.colorDepth(), node.colorProfile()
        node.setColorSpace("RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc")
        node.setPixelData(bgra, *box)
        if like_document:
            node.setColorSpace(*space)
        document.rootNode().addChildNode(node, None)
        document.waitForDone()
        document.refreshProjection()
        document.setModified(False)
        return node

    def close(self):
        """Closes them all."""
        for document in self.documents:
            if document in self.application.documents():
                document.setModified(False)
                document.close()


@pytest.fixture
def desk():
    """Documents that are closed after the test."""
    desk = Desk()
    yield desk
    desk.close()
